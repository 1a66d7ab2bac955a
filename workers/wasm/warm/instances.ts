import { WASM_PAGE_BYTES } from '../../../src/contract/limits.js';
import { initialMemory } from '../binary/data-segments.js';
import type { Redirection } from '../instrument/instrumented-code.js';
import { type Rewritten, rewrite } from '../instrument/rewrite.js';
import { isLarge } from '../run/collect.js';
import { Guest } from '../run/guest.js';
import { instantiate, readGlobals } from '../run/instance.js';
import { InstanceUnavailable } from '../run/instance-unavailable.js';
import type { ProgramBase } from '../run/program.js';
import { type Snapshot, takeSnapshot } from '../run/snapshot.js';
import { common, type Source } from './source.js';

/** The parts from which instances of a module are created. */
export interface Instances {
  program: ProgramBase;
  rewritten: Rewritten;
  /** The initial memory of the program; null when the module contains its data itself. */
  initial: Snapshot | null;
}

/**
 * Returns a restorable module as code plus the memory that its data initializes, so that the code
 * is compiled once for all modules that differ only in their data.
 */
export function instancesOf(source: Source, redirection?: Redirection): Instances {
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
    if (globals !== null) return { program, rewritten, initial: takeSnapshot(memory, globals) };
  }
  const rewritten = rewrite(source.module, options);
  return { program: common(source, rewritten), rewritten, initial: null };
}

/**
 * Returns null also for a large memory: a new memory, zeroed and untouched, is cheaper than
 * restoring one.
 */
function memoryOfData({ module, shape }: Source): Uint8Array | null {
  const bytes = (shape.pages ?? 0) * WASM_PAGE_BYTES;
  return isLarge(bytes) ? null : initialMemory(module, bytes);
}

/**
 * Returns null when the module cannot be instantiated, for example because its elements are outside
 * its table.
 */
function initialGlobals(
  program: ProgramBase,
  rewritten: Rewritten,
  pages: number,
): Snapshot['globals'] | null {
  try {
    const instance = instantiate(program.module, new Guest().imports);
    return readGlobals(instance, rewritten).map(([name, value]) => [
      name,
      name === rewritten.names.pages ? pages : value,
    ]);
  } catch (error) {
    if (error instanceof InstanceUnavailable) throw error;
    return null;
  }
}
