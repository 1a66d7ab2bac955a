/**
 * Go's descriptors of goroutines, `runtime.g` (runtime/runtime2.go of Go 1.21 to 1.26): stack.lo,
 * stack.hi, stackguard0, stackguard1, _panic, _defer, m, and sched, a gobuf: sp, pc, g, which
 * points to the descriptor itself.
 */
const STACK_LO = 0;
const STACK_HI = 8;
const GUARD_1 = 24;
const SCHED_SP = 56;
const SCHED_G = 72;
const WORD_BYTES = 8;

export interface Goroutine {
  /** Of its descriptor. */
  at: number;
  stack: { from: number; to: number };
  /** Its stack pointer when it last gave way. */
  pointer: number;
}

/**
 * stackguard1 of goroutines whose stack Go allocates. Only g0, which runs the scheduler on a static
 * stack, has another.
 */
const NO_GUARD = 0xffff_ffff_ffff_ffffn;

/**
 * Finds the descriptors by what they hold of themselves. Left out are those of goroutines that have
 * ended, whose stack was freed, and of g0: the bounds of its stack are not exact, other variables
 * lie within.
 */
export function goroutines(memory: Uint8Array): Goroutine[] {
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
 * Zeroes what is left of calls that have returned, below each stack's pointer: it is never read
 * before it is written, and may hold random numbers that runtime and program have long forgotten.
 * `current` is the stack pointer of what was running.
 */
export function clearDeadStack(memory: Uint8Array, current: number): void {
  for (const { stack, pointer } of goroutines(memory)) {
    const runs = current > stack.from && current <= stack.to;
    memory.fill(0, stack.from, runs ? current : pointer);
  }
}
