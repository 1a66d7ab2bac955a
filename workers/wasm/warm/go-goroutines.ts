/**
 * Offsets in Go's goroutine descriptor `runtime.g` (runtime/runtime2.go of Go 1.21 to 1.26):
 * stack.lo, stack.hi, stackguard0, stackguard1, _panic, _defer, m, and sched, a gobuf: sp, pc, g,
 * where g points to the descriptor itself.
 */
const STACK_LO = 0;
const STACK_HI = 8;
const GUARD_1 = 24;
const SCHED_SP = 56;
const SCHED_G = 72;
const WORD_BYTES = 8;

export interface Goroutine {
  /** The address of its descriptor. */
  at: number;
  stack: { from: number; to: number };
  /** The stack pointer when it last yielded. */
  pointer: number;
}

/**
 * The stackguard1 of goroutines whose stack Go allocates. Only g0, which runs the scheduler on a
 * static stack, has another value.
 */
const NO_GUARD = 0xffff_ffff_ffff_ffffn;

/**
 * Finds goroutine descriptors by their pointer to themselves. Excludes ended goroutines, whose
 * stack was freed, and g0: the bounds of its stack are inexact, and other variables are within
 * them.
 */
function goroutines(memory: Uint8Array): Goroutine[] {
  const words = new BigUint64Array(memory.buffer, memory.byteOffset, memory.length / WORD_BYTES);
  const found: Goroutine[] = [];
  for (let index = SCHED_G / WORD_BYTES; index < words.length; index++) {
    const at = index * WORD_BYTES - SCHED_G;
    if (words[index] !== BigInt(at)) continue;
    const word = (offset: number) => Number(words[(at + offset) / WORD_BYTES] ?? 0n);
    const stack = { from: word(STACK_LO), to: word(STACK_HI) };
    const pointer = word(SCHED_SP);
    const guard = words[(at + GUARD_1) / WORD_BYTES];
    const inside =
      stack.from > 0 && stack.to <= memory.length && pointer >= stack.from && pointer <= stack.to;
    if (guard === NO_GUARD && inside) found.push({ at, stack, pointer });
  }
  return found;
}

/**
 * Clears the remains of returned calls below each stack pointer: they are always written before
 * they are read, and may contain random numbers that neither the runtime nor the program uses any
 * more.
 *
 * @param current The stack pointer of the code that was running.
 */
export function clearDeadStack(memory: Uint8Array, current: number): void {
  for (const { stack, pointer } of goroutines(memory)) {
    const runs = current > stack.from && current <= stack.to;
    memory.fill(0, stack.from, runs ? current : pointer);
  }
}
