import type { WarmStart } from '../../../src/contract/function.js';
import { messageOf } from '../../../src/errors.js';
import { Guest } from '../run/guest.js';
import { InstanceUnavailable } from '../run/instance-unavailable.js';
import type { FreshProgram, Program } from '../run/program.js';
import { differenceOf } from './probe.js';
import { isGo, type Source } from './source.js';
import { createGoProgram, createReactorProgram } from './warm-program.js';

export interface Choice {
  program: Program;
  /**
   * Why the strategy is not a warmer one; null when the best strategy for this kind of module was
   * chosen.
   */
  note: string | null;
}

/**
 * Chooses the start strategy of a module.
 *
 * @param want `probe`: the warmest strategy whose results equal those of fresh. The name of a
 *   strategy: that strategy, as probed at deploy; fresh if it is no longer possible because the
 *   engine has changed.
 */
export function choose(source: Source, fresh: FreshProgram, name: string, want: 'probe' | WarmStart): Choice {
  if (want === 'fresh') return { program: fresh, note: null };
  // Commands of other languages start in microseconds, so fresh is the best strategy for them.
  if (source.shape.kind === 'command' && !isGo(source.module)) return { program: fresh, note: null };
  let warm: Program;
  try {
    warm =
      source.shape.kind === 'reactor' ? createReactorProgram(source, name) : createGoProgram(source, name);
  } catch (error) {
    if (error instanceof InstanceUnavailable) throw error;
    return { program: fresh, note: `runs as fresh: ${messageOf(error)}` };
  }
  const difference = want === 'probe' ? differenceOf(fresh, warm, new Guest(), name) : null;
  if (difference !== null) return { program: fresh, note: `runs as fresh: ${difference}` };
  return { program: warm, note: null };
}
