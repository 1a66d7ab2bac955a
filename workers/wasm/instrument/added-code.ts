import { BULK, EMPTY_BLOCK, OP } from '../binary/opcodes.js';
import { F32, I32, I64 } from '../binary/value-types.js';
import { concat, i32Const, i64Const, u32 } from '../binary/writer.js';
import { CARD_SHIFT } from './dirty-cards.js';

/** The bodies of functions that the rewriter adds. */
const op = (...bytes: number[]) => Uint8Array.from(bytes);
const get = (local: number) => op(OP.localGet, local);
const tee = (local: number) => op(OP.localTee, local);
const globalGet = (index: number) => concat([op(OP.globalGet), u32(index)]);
const globalSet = (index: number) => concat([op(OP.globalSet), u32(index)]);
const NO_LOCALS = op(0);
const IF = op(OP.if, EMPTY_BLOCK);
const END = op(OP.end);
const SIZE = op(OP.memorySize, 0);

/**
 * Returns the body of `memory.grow(wanted)` from the guest's view: it returns the old number of
 * pages, or -1. The guest's memory begins `pagesBefore` pages into the module's memory.
 */
export function growFunction(
  globals: { pages: number; refused: number },
  maxPages: number,
  pagesBefore: number,
): Uint8Array {
  const wanted = 0;
  const size = 1;
  const refuse = concat([i32Const(1), globalSet(globals.refused), i32Const(-1), op(OP.return), END]);
  return concat([
    op(1, 1, I32), // one local: the new size
    // if wanted >u max or (size = pages + wanted) >u max: refuse
    ...[get(wanted), i32Const(maxPages), op(OP.i32GtU)],
    ...[globalGet(globals.pages), get(wanted), op(OP.i32Add), tee(size), i32Const(maxPages), op(OP.i32GtU)],
    ...[op(OP.i32Or), IF, refuse],
    // if size + before >u memory.size and memory.grow(size + before - memory.size) == -1: refuse
    ...[get(size), i32Const(pagesBefore), op(OP.i32Add), SIZE, op(OP.i32GtU), IF],
    ...[get(size), i32Const(pagesBefore), op(OP.i32Add), SIZE, op(OP.i32Sub), op(OP.memoryGrow, 0)],
    ...[i32Const(-1), op(OP.i32Eq), IF, refuse, END],
    // pages = size, and the old size is the result
    ...[globalGet(globals.pages), get(size), globalSet(globals.pages), END],
  ]);
}

/**
 * A point where V8 ends a terminated thread. Baseline code checks for that when a function is
 * entered and when a loop is repeated; optimized code when a loop is entered, and on entry only in
 * functions that call others. An empty loop in a function of its own is thus checked in both.
 */
const INTERRUPT_CHECK = op(OP.loop, EMPTY_BLOCK, OP.end);

/** Returns the body of a function that only checks for interrupts. */
export function interruptCheckFunction(): Uint8Array {
  return concat([NO_LOCALS, INTERRUPT_CHECK, END]);
}

/**
 * Returns the body of `memory.copy(to, from, length)` for a guest memory that begins `base` bytes
 * into the module's memory. Marks the dirty cards.
 */
export function copyFunction(base: number): Uint8Array {
  return concat([
    NO_LOCALS,
    INTERRUPT_CHECK,
    trapBeyond(0, base),
    trapBeyond(1, base),
    ...[get(0), i32Const(base), op(OP.i32Add), get(1), i32Const(base), op(OP.i32Add), get(2)],
    op(OP.bulkPrefix, BULK.memoryCopy, 0, 0),
    markRange(),
    END,
  ]);
}

/** Returns the body of `memory.fill(to, value, length)`, under the same conditions. */
export function fillFunction(base: number): Uint8Array {
  return concat([
    NO_LOCALS,
    INTERRUPT_CHECK,
    trapBeyond(0, base),
    ...[get(0), i32Const(base), op(OP.i32Add), get(1), get(2), op(OP.bulkPrefix, BULK.memoryFill, 0)],
    markRange(),
    END,
  ]);
}

/**
 * Traps, with the same trap as the original instruction, for an address beyond the memory: with the
 * base added, the address could wrap around to a valid one.
 */
function trapBeyond(parameter: number, base: number): Uint8Array {
  const MAX_OFFSET = u32(2 ** 32 - 1);
  return concat([
    // if parameter >u (memory.size << 16) - base: load from -1 + (2^32 - 1)
    ...[get(parameter), SIZE, i32Const(16), op(OP.i32Shl), i32Const(base), op(OP.i32Sub), op(OP.i32GtU), IF],
    ...[i32Const(-1), op(OP.i32Load8U, 0), MAX_OFFSET, op(OP.drop), END],
  ]);
}

/**
 * Marks the cards of the `length` (parameter 2) bytes from parameter 0, which are within the
 * memory. Most ranges are short and need no `memory.fill`.
 */
function markRange(): Uint8Array {
  const mark = concat([i32Const(1), op(OP.i32Store8, 0, 0)]);
  const card = concat([i32Const(CARD_SHIFT), op(OP.i32ShrU)]);
  return concat([
    ...[get(2), op(OP.i32Eqz), IF, op(OP.return), END], // nothing was written
    ...[get(0), card, tee(1), mark], // parameter 1 = first card
    ...[get(0), get(2), op(OP.i32Add), i32Const(1), op(OP.i32Sub), card, tee(2), mark], // parameter 2 = last card
    // if last - first >u 1: memory.fill(first, 1, last - first)
    ...[get(2), get(1), op(OP.i32Sub), i32Const(1), op(OP.i32GtU), IF],
    ...[get(1), i32Const(1), get(2), get(1), op(OP.i32Sub), op(OP.bulkPrefix, BULK.memoryFill, 0), END],
  ]);
}

/**
 * Returns a function that reads a float global as bits: the JavaScript API does not preserve NaN
 * payloads.
 */
export function bitsGetter(global: number, type: number): Uint8Array {
  const reinterpret = type === F32 ? OP.i32ReinterpretF32 : OP.i64ReinterpretF64;
  return concat([NO_LOCALS, globalGet(global), op(reinterpret), END]);
}

/** Returns a function that sets a float global from its bits. */
export function bitsSetter(global: number, type: number): Uint8Array {
  const reinterpret = type === F32 ? OP.f32ReinterpretI32 : OP.f64ReinterpretI64;
  return concat([NO_LOCALS, get(0), op(reinterpret), globalSet(global), END]);
}

/** Returns the integer type of a float type's bits. */
export const bitsType = (type: number) => (type === F32 ? I32 : I64);

/** The multiplier and the increment of Knuth's MMIX linear congruential generator. */
const MULTIPLIER = 6_364_136_223_846_793_005n;
const INCREMENT = 1_442_695_040_888_963_407n;

/**
 * Returns a replacement for a Go function `func() uint64`: it returns the next number of a
 * generator whose state is the global `state`. Go's calling convention on wasm (Go 1.24,
 * cmd/internal/obj/wasm): global 0 is SP, the return address is at SP and the result at SP + 8. The
 * callee pops the return address and returns 0, which means that the WebAssembly stack is not to be
 * unwound.
 */
export function goNumberFunction(state: number): Uint8Array {
  const SP = 0;
  return concat([
    NO_LOCALS,
    ...[globalGet(state), i64Const(MULTIPLIER), op(OP.i64Mul)],
    ...[i64Const(INCREMENT), op(OP.i64Add), globalSet(state)],
    ...[globalGet(SP), globalGet(state), op(OP.i64Store, 3, 8)],
    ...[globalGet(SP), i32Const(8), op(OP.i32Add), globalSet(SP)],
    ...[i32Const(0), END],
  ]);
}
