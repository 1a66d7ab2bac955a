import type { WarmStart } from '../../../src/contract/function.js';
import { messageOf } from '../../../src/errors.js';
import { Guest } from '../run/guest.js';
import type { FreshProgram, Program } from '../run/program.js';
import { isGo, type Source } from './prepare.js';
import { differs } from './probe.js';
import { prepareGoCommand, prepareReactor } from './snapshot.js';

export interface Choice {
  program: Program;
  /** Why it is not warmer; null when the best strategy for its kind was taken. */
  note: string | null;
}

/**
 * The strategy that a module is run with. `probe`: the warmest that gives the results of fresh. A
 * strategy's name: that one, as it was probed when the module was deployed; if it cannot be had any
 * more (an engine changed since), fresh.
 */
export function choose(source: Source, fresh: FreshProgram, name: string, want: 'probe' | WarmStart): Choice {
  if (want === 'fresh') return { program: fresh, note: null };
  // Commands of other languages start in microseconds: fresh is their best.
  if (source.shape.kind === 'command' && !isGo(source.module)) return { program: fresh, note: null };
  let warm: Program;
  try {
    warm = source.shape.kind === 'reactor' ? prepareReactor(source, name) : prepareGoCommand(source, name);
  } catch (error) {
    return { program: fresh, note: `runs as fresh: ${messageOf(error)}` };
  }
  const difference = want === 'probe' ? differs(fresh, warm, new Guest(), name) : null;
  if (difference !== null) return { program: fresh, note: `runs as fresh: ${difference}` };
  return { program: warm, note: null };
}
