import { MB } from '../../../src/contract/limits.js';
import type { Scan } from './body-scanner.js';
import type { ParsedModule } from './module.js';
import { malformed } from './reader.js';
import { EXTERNREF, F32, FUNCREF, I32, V128 } from './value-types.js';

/**
 * What V8 takes for each part of an instance outside its memory, in bytes: the larger of what was
 * measured on Node 20 and on Node 24, rounded up.
 */
const BYTES = {
  export: 400,
  import: 100,
  function: 8,
  global: 16,
  tableSlot: 32,
  element: 40,
  /** The object that a reference to a function needs, once for each function. */
  reference: 270,
  exception: 80,
} as const;
/** What a value of an exception takes: V8 splits it into numbers of 16 bits. */
const VALUE_BYTES: ReadonlyMap<number, number> = new Map([
  [I32, 16],
  [F32, 16],
  [V128, 64],
  [FUNCREF, 8],
  [EXTERNREF, 8],
]);
const OTHER_VALUE_BYTES = 32;

/** The stack of a guest thread, and the least that a call and each exception in it take there. */
const STACK_BYTES = 4 * MB;
const FRAME_BYTES = 40;
const HANDLED_BYTES = 8;

/**
 * The limit of the entries of all tables together. A thread that makes 60 tables of this size
 * cannot be stopped for a minute.
 */
export const MAX_TABLE_SLOTS = 1 << 20;
/**
 * The limit of the exceptions that a call handles at once. A host call at the end of the stack
 * throws an error of a kilobyte or two, which a call could keep for each of them.
 */
const MAX_CATCH_DEPTH = 64;
/** The limit of what a guest may hold on the thread's heap, in bytes. */
const MAX_HEAP_BYTES = 64 * MB;

/** Memory of a thread's heap, outside the memory of its guests. In bytes. */
export interface HeapUse {
  /** What an instance takes before it runs. */
  instance: number;
  /** The most that a guest can make of it while it runs. */
  most: number;
}

/**
 * Returns the memory that guests of a module take outside their memory, which the memory limit does
 * not include. Throws `invalid_module` when it could be too much.
 */
export function heapUse(module: ParsedModule, scan: Scan | null): HeapUse {
  const slots = module.tables.reduce((sum, { min }) => sum + min, 0);
  if (slots > MAX_TABLE_SLOTS) {
    throw malformed(
      `The module's tables have ${slots} entries together; at most ${MAX_TABLE_SLOTS} are allowed.`,
    );
  }
  const elements = module.elements.reduce((sum, count) => sum + count, 0);
  const references = module.globals.filter(({ type }) => type === FUNCREF).length;
  const instance =
    BYTES.export * module.exports.length +
    BYTES.import * module.imports.length +
    BYTES.function * module.functions.length +
    BYTES.global * module.globals.length +
    BYTES.reference * references +
    BYTES.tableSlot * slots +
    BYTES.element * elements;
  const grown = scan?.growsTables === true ? Math.max(MAX_TABLE_SLOTS - slots, 0) : 0;
  const made = scan?.usesReferences === true ? elements + module.exports.length : 0;
  const most =
    instance +
    BYTES.tableSlot * grown +
    BYTES.reference * made +
    exceptionBytes(module, scan?.catchDepth ?? 0);
  if (most > MAX_HEAP_BYTES) {
    throw malformed(
      `The module could hold ${Math.ceil(most / MB)} MB outside its memory, in tables, references to functions, exports, globals and caught exceptions; at most ${MAX_HEAP_BYTES / MB} MB are allowed.`,
    );
  }
  return { instance, most };
}

/**
 * Returns the size of the exceptions that a guest can hold at once: a recursion keeps those that
 * its calls handle, `depth` in each, until the stack is full. Throws `invalid_module` when one call
 * handles too many.
 */
function exceptionBytes(module: ParsedModule, depth: number): number {
  if (depth > MAX_CATCH_DEPTH) {
    throw malformed(
      `A function of the module handles ${depth} exceptions at once; at most ${MAX_CATCH_DEPTH} are allowed.`,
    );
  }
  if (depth === 0 || module.tags.length === 0) return 0;
  const sizes = module.tags.map((tag) =>
    (module.types[tag]?.params ?? []).reduce(
      (sum, type) => sum + (VALUE_BYTES.get(type) ?? OTHER_VALUE_BYTES),
      BYTES.exception,
    ),
  );
  const calls = STACK_BYTES / (FRAME_BYTES + HANDLED_BYTES * depth);
  return calls * depth * sizes.reduce((most, size) => Math.max(most, size), 0);
}
