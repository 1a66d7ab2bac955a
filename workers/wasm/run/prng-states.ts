import type { GuestMemory } from './memory.js';

/**
 * Go's random state is in its memory and is seeded once when the runtime starts: from a snapshot,
 * every invocation would get the same numbers. There is one internal/chacha8rand.State for seeding
 * (runtime.globalRand) and one per thread, of which there is one (`m.chacha8`, followed by
 * `m.cheaprand`, a wyrand state). A State consists of 32 words of output, 4 words of seed, and i, n
 * and c of 32 bits each: see runtime/rand.go and runtime/runtime2.go of Go 1.22 to 1.26.
 */
/** Go has one state for seeding and one for its only thread. */
export const MAX_PRNG_STATES = 2;

const OUTPUT_BYTES = 32 * 8;
const SEED_BYTES = 4 * 8;
const OUTPUT_WORDS = 32;
const COUNTERS_AT = OUTPUT_BYTES + SEED_BYTES;
/** `cheaprand` follows the counters, aligned to 8 bytes. */
const CHEAP_AT = COUNTERS_AT + 16;
const CHEAP_BYTES = 8;

/** The size of a state up to its counters, which do not depend on the seed. */
export const CHACHA_BYTES = COUNTERS_AT;

/** The position of a State in a snapshot. */
export interface PrngState {
  at: number;
  /** Whether `cheaprand` follows the state. */
  cheap: boolean;
}

/** Returns whether the bytes at an offset can be a State, judged by its non-random fields. */
export function isChachaState(view: DataView, at: number): boolean {
  if (at < 0 || at + CHEAP_AT + CHEAP_BYTES > view.byteLength) return false;
  const counter = (offset: number) => view.getUint32(at + COUNTERS_AT + offset, true);
  const [next, filled, block] = [counter(0), counter(4), counter(8)];
  return next <= filled && filled > 0 && filled <= OUTPUT_WORDS && block <= 16 && block % 4 === 0;
}

/**
 * Returns whether the State is that of a thread. The one for seeding is followed by
 * `globalRand.init`, which is 1.
 */
export function hasCheapState(view: DataView, at: number): boolean {
  return view.getBigUint64(at + CHEAP_AT, true) > 1n;
}

const BYTES_PER_STATE = SEED_BYTES + CHEAP_BYTES;
/** Requested in one call: each call for random bytes takes most of a microsecond. */
const seeds = new Uint8Array(MAX_PRNG_STATES * BYTES_PER_STATE);

/**
 * Gives each generator a new seed and marks its output as used, so that the next number derives
 * from the seed.
 */
export function reseedPrngStates(
  memory: GuestMemory,
  states: readonly PrngState[],
  random: (bytes: Uint8Array) => void,
): void {
  if (states.length === 0) return;
  random(seeds);
  states.forEach(({ at, cheap }, index) => {
    const from = index * BYTES_PER_STATE;
    const counters = at + COUNTERS_AT;
    memory.write(at + OUTPUT_BYTES, seeds.subarray(from, from + SEED_BYTES));
    memory.setU32(counters, OUTPUT_WORDS);
    memory.setU32(counters + 4, OUTPUT_WORDS);
    memory.setU32(counters + 8, 0);
    if (cheap) memory.write(at + CHEAP_AT, seeds.subarray(from + SEED_BYTES, from + BYTES_PER_STATE));
  });
}
