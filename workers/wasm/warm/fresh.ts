import { type Rewritten, rewrite } from '../instrument/rewrite.js';
import { isLarge } from '../run/collect.js';
import { Guest } from '../run/guest.js';
import { type Snapshot, takeSnapshot } from '../run/image.js';
import { memoryOf, readGlobals } from '../run/instance.js';
import type { FreshProgram } from '../run/program.js';
import { common, type Source } from './prepare.js';
import { whyNotRestorable } from './snapshot.js';

/** The strategy that the others are compared with: each run begins where an instance begins. */
export function prepareFresh(source: Source): FreshProgram {
  const restorable = whyNotRestorable(source) === null;
  const rewritten = rewrite(source.module, {
    maxPages: source.maxPages,
    scan: source.scan,
    exportGlobals: restorable,
  });
  const program = common(source, rewritten);
  return {
    strategy: 'fresh',
    ...program,
    snapshot: restorable ? beforeAnyCode(program.module, rewritten) : null,
  };
}

/**
 * An instance's state before any of its code has run, its start function included, which the engine
 * calls by itself. Making a new instance is quick, but V8 collects the old ones' memories by
 * marking its whole heap every few dozen runs: that cost ten times what looking through a megabyte
 * and putting it back does.
 */
function beforeAnyCode(module: WebAssembly.Module, rewritten: Rewritten): Snapshot | null {
  try {
    const instance = new WebAssembly.Instance(module, new Guest().imports);
    const memory = memoryOf(instance);
    // Of a large memory a new one, all zero and untouched, is the cheaper.
    if (memory === null || isLarge(memory.buffer.byteLength)) return null;
    return takeSnapshot(new Uint8Array(memory.buffer), readGlobals(instance, rewritten));
  } catch {
    // Its data lies outside its memory, say. It fails the same way when it is run, and is told so
    // then.
    return null;
  }
}
