import { rewrite } from '../instrument/rewrite.js';
import type { FreshProgram } from '../run/program.js';
import { prepareInstances } from './instances.js';
import { common, type Source } from './prepare.js';
import { whyNotRestorable } from './snapshot.js';

/**
 * The strategy that the others are compared with: each run begins where an instance begins, before
 * any of its code has run, its start function included, which the engine calls by itself. Making a
 * new instance is quick, but V8 collects the old ones' memories by marking its whole heap every few
 * dozen runs: that cost ten times what looking through a megabyte and putting it back does.
 */
export function prepareFresh(source: Source): FreshProgram {
  if (whyNotRestorable(source) === null) {
    const { program, image } = prepareInstances(source);
    return { strategy: 'fresh', ...program, snapshot: image };
  }
  const rewritten = rewrite(source.module, { maxPages: source.maxPages, scan: source.scan });
  return { strategy: 'fresh', ...common(source, rewritten), snapshot: null };
}
