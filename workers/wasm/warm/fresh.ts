import { rewrite } from '../instrument/rewrite.js';
import type { FreshProgram } from '../run/program.js';
import { instancesOf } from './instances.js';
import { common, type Source } from './source.js';
import { whyNotRestorable } from './warm-program.js';

/**
 * Creates the program of the strategy that the others are compared with: each run starts from a new
 * instance's state, before any of its code has run; the engine calls the start function itself.
 * Creating an instance is fast, but V8 frees the memories of old ones by marking its whole heap
 * every few dozen runs, which took ten times as long as comparing and restoring a megabyte.
 */
export function createFreshProgram(source: Source): FreshProgram {
  if (whyNotRestorable(source) === null) {
    const { program, initial } = instancesOf(source);
    return { strategy: 'fresh', ...program, snapshot: initial };
  }
  const rewritten = rewrite(source.module, { maxPages: source.maxPages, scan: source.scan });
  return { strategy: 'fresh', ...common(source, rewritten), snapshot: null };
}
