import { WASM_PAGE_BYTES } from '../../../src/contract/limits.js';
import { initialMemory } from '../binary/data-segments.js';
import type { Redirection } from '../instrument/instrumented-code.js';
import { type Rewritten, rewrite } from '../instrument/rewrite.js';
import { isLarge } from '../run/collect.js';
import { Guest } from '../run/guest.js';
import { type Snapshot, takeSnapshot } from '../run/image.js';
import { readGlobals } from '../run/instance.js';
import type { ProgramBase } from '../run/program.js';
import { common, type Source } from './prepare.js';

/** What instances of a module are made from. */
export interface Instances {
  program: ProgramBase;
  rewritten: Rewritten;
  /** What the program's memory begins with; null when the module brings its data itself. */
  image: Snapshot | null;
}

/**
 * A module that can be put back, as code and the memory that its data makes: so its code is
 * compiled once for all modules that have the same, whatever their data.
 */
export function prepareInstances(source: Source, redirection?: Redirection): Instances {
  const options = {
    maxPages: source.maxPages,
    scan: source.scan,
    exportGlobals: true,
    ...(redirection === undefined ? {} : { redirection }),
  };
  const memory = memoryOfData(source);
  if (memory !== null) {
    const rewritten = rewrite(source.module, { ...options, forSnapshot: true });
    const program = common(source, rewritten);
    const globals = initialGlobals(program, rewritten, memory.length / WASM_PAGE_BYTES);
    if (globals !== null) return { program, rewritten, image: takeSnapshot(memory, globals) };
  }
  const rewritten = rewrite(source.module, options);
  return { program: common(source, rewritten), rewritten, image: null };
}

/**
 * null also for a large memory: a new one, all zero and untouched, is cheaper than one put back.
 */
function memoryOfData({ module, shape }: Source): Uint8Array | null {
  const bytes = (shape.pages ?? 0) * WASM_PAGE_BYTES;
  return isLarge(bytes) ? null : initialMemory(module, bytes);
}

/** null when no instance can be made: its elements lie outside its table, say. */
function initialGlobals(
  program: ProgramBase,
  rewritten: Rewritten,
  pages: number,
): Snapshot['globals'] | null {
  try {
    const instance = new WebAssembly.Instance(program.module, new Guest().imports);
    return readGlobals(instance, rewritten).map(([name, value]) => [
      name,
      name === rewritten.names.pages ? pages : value,
    ]);
  } catch {
    return null;
  }
}
