import type { Rewritten } from '../instrument/rewrite.js';
import { InstanceUnavailable } from './instance-unavailable.js';

/** The values of an instance's mutable globals, by the name of the export that sets each. */
export type GlobalValues = [name: string, value: number | bigint][];

/**
 * Creates an instance whose memory has grown by `pages`. The rewriter has exported the start
 * function, so none of the guest's code runs, and a RangeError is V8's out-of-memory error.
 */
export function instantiate(
  module: WebAssembly.Module,
  imports: WebAssembly.Imports,
  pages = 0,
): WebAssembly.Instance {
  try {
    const instance = new WebAssembly.Instance(module, imports);
    if (pages > 0) memoryOf(instance)?.grow(pages);
    return instance;
  } catch (error) {
    throw error instanceof RangeError ? new InstanceUnavailable(error) : error;
  }
}

/** Returns the memory that an instance exports, or null. */
export function memoryOf(instance: WebAssembly.Instance): WebAssembly.Memory | null {
  const memory = instance.exports.memory;
  return memory !== undefined && 'buffer' in memory ? memory : null;
}

/** Returns whether an export is a global. */
export function isGlobal(value: WebAssembly.ExportValue | undefined): value is WebAssembly.Global {
  return value !== undefined && 'value' in value;
}

/**
 * Reads the values of all mutable globals, including those that the rewriter added, by the name of
 * the export that sets each: a global, or the function that sets a float from its bits.
 */
export function readGlobals(instance: WebAssembly.Instance, rewritten: Rewritten): GlobalValues {
  const { pages, refused } = rewritten.names;
  const globals: GlobalValues = [];
  for (const name of [...rewritten.globals, pages, refused]) {
    const global = name === null ? undefined : instance.exports[name];
    if (name !== null && isGlobal(global)) globals.push([name, global.value]);
  }
  for (const { get, set } of rewritten.floats) {
    const read = instance.exports[get];
    if (typeof read === 'function') globals.push([set, (read as () => number | bigint)()]);
  }
  return globals;
}

/** Sets globals to values that `readGlobals` returned. */
export function writeGlobals(instance: WebAssembly.Instance, globals: GlobalValues): void {
  for (const [name, value] of globals) {
    const target = instance.exports[name];
    if (isGlobal(target)) target.value = value;
    else if (typeof target === 'function') (target as (bits: number | bigint) => void)(value);
  }
}
