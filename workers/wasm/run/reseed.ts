import type { GuestMemory } from './memory.js';

/**
 * Go's random state lives in its memory, seeded once when the runtime starts: in a snapshot it would give every invocation the
 * same numbers, the same order of maps. Each generator is an internal/chacha8rand.State: 32 words of output, 4 of seed,
 * then i, n, c. They are found by comparing two snapshots that were taken with different random bytes.
 */
const OUTPUT_BYTES = 32 * 8;
const SEED_BYTES = 4 * 8;
const RANDOM_WORDS = (OUTPUT_BYTES + SEED_BYTES) / 8;
const OUTPUT_WORDS = 32;

/** Offsets of the generators' states. */
export function findPrngStates(one: Uint8Array, other: Uint8Array): number[] {
  const a = new BigUint64Array(one.buffer, one.byteOffset, one.length >> 3);
  const b = new BigUint64Array(other.buffer, other.byteOffset, other.length >> 3);
  const view = new DataView(one.buffer, one.byteOffset, one.length);
  const found: number[] = [];
  let differing = 0;
  for (let word = 0; word < a.length; word++) {
    if (a[word] !== b[word]) {
      differing++;
      continue;
    }
    // A state ends where the difference does: what follows, i, n and c, is the same in both.
    const at = (word - RANDOM_WORDS) * 8;
    if (differing >= RANDOM_WORDS && isState(view, at)) found.push(at);
    differing = 0;
  }
  return found;
}

function isState(view: DataView, at: number): boolean {
  const [next, filled, counter] = [0, 4, 8].map((offset) =>
    view.getUint32(at + OUTPUT_BYTES + SEED_BYTES + offset, true),
  ) as [number, number, number];
  return next <= filled && filled > 0 && filled <= OUTPUT_WORDS && counter <= 16 && counter % 4 === 0;
}

/** Gives each generator a seed of its own and no output left, so that its next number is made from the seed. */
export function reseedPrngStates(
  memory: GuestMemory,
  generators: readonly number[],
  random: (bytes: Uint8Array) => void,
): void {
  for (const at of generators) {
    const counters = at + OUTPUT_BYTES + SEED_BYTES;
    random(memory.window(at + OUTPUT_BYTES, SEED_BYTES));
    memory.setU32(counters, OUTPUT_WORDS);
    memory.setU32(counters + 4, OUTPUT_WORDS);
    memory.setU32(counters + 8, 0);
  }
}
