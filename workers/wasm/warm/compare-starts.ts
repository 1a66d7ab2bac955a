import {
  CHACHA_BYTES,
  hasCheapState,
  isChachaState,
  MAX_PRNG_STATES,
  type PrngState,
} from '../run/prng-states.js';
import { MAX_DISTANCE, type TimeCell } from '../run/time-cells.js';
import type { RecordedStart } from './recorded-start.js';
import { SnapshotRefused } from './snapshot-refused.js';

/** What differs between starts and is corrected when one of them is resumed. */
export interface Variable {
  prngStates: PrngState[];
  timeCells: TimeCell[];
}

/** Starts of one program under different conditions. */
export interface Starts {
  /** The start from which the snapshot is taken. */
  base: RecordedStart;
  /** The same random bytes, with clocks ahead by `laterBy`. */
  later: RecordedStart;
  laterBy: bigint;
  /** The same clocks, with other random bytes. */
  reseeded: RecordedStart;
  /** Other random bytes, with clocks ahead by `otherBy`. */
  other: RecordedStart;
  otherBy: bigint;
}

/** Memory is compared in blocks first, so that few words are examined. */
const BLOCK_BYTES = 4096;
const WORD_BYTES = 8;
/** The limit of time cells, because each is written before each run. */
const MAX_TIME_CELLS = 256;

/**
 * Compares starts under different conditions in all of their memory and globals, because a snapshot
 * must not depend on anything that differs between instances. Each difference must be a time, which
 * is moved to the clock of each invocation, or the state of one of Go's own generators, which is
 * reseeded for each invocation. Throws SnapshotRefused for any other difference.
 */
export function compareStarts(
  { base, later, laterBy, reseeded, other, otherBy }: Starts,
  go: boolean,
): Variable {
  for (const start of [later, reseeded, other]) checkAlike(base, start);
  if (base.watched) throw new SnapshotRefused('it selects among channels before its first observable call');

  const timeCells: TimeCell[] = [];
  eachDifference(base, later, (at, before, after) => {
    if (BigInt.asUintN(64, after - before) !== laterBy) {
      throw new SnapshotRefused(KEEPS_TIME);
    }
    const distance = Number(BigInt.asIntN(64, before - base.lastTick));
    if (Math.abs(distance) > MAX_DISTANCE) throw new SnapshotRefused(KEEPS_TIME);
    timeCells.push({ address: at, distance });
  });
  if (timeCells.length > MAX_TIME_CELLS)
    throw new SnapshotRefused('it keeps the time of its start in many places');

  const random: number[] = [];
  eachDifference(base, reseeded, (at) => random.push(at));
  const prngStates = go ? findPrngStates(base, random) : [];
  const known = new Set(prngStates.flatMap(wordsOf));
  if (random.some((at) => !known.has(at))) throw new SnapshotRefused(KEEPS_RANDOM);

  const times = new Set(timeCells.map(({ address }) => address));
  eachDifference(base, other, (at, before, after) => {
    const moved = times.has(at) && BigInt.asUintN(64, after - before) === otherBy;
    if (!moved && !known.has(at)) throw new SnapshotRefused(KEEPS_RANDOM);
  });
  return { prngStates, timeCells };
}

const KEEPS_TIME = 'it computes with the time before its first observable call, and keeps what comes of it';
const KEEPS_RANDOM = 'it draws random numbers before its first observable call, and keeps what comes of them';

/** Compares everything except the contents of the memory. */
function checkAlike(one: RecordedStart, other: RecordedStart): void {
  if (one.wanted !== other.wanted) {
    const calls = [one.wanted, other.wanted].map((wanted) => wanted ?? 'none').join(' or ');
    throw new SnapshotRefused(`its first observable call is not always the same: ${calls}`);
  }
  if (one.memory.length !== other.memory.length)
    throw new SnapshotRefused('its memory is a different size each time');
  const same = one.globals.every(([, value], index) => Object.is(value, other.globals[index]?.[1]));
  if (!same) throw new SnapshotRefused('its global variables differ from start to start');
}

function eachDifference(
  one: RecordedStart,
  other: RecordedStart,
  each: (at: number, before: bigint, after: bigint) => void,
): void {
  const [a, b] = [one, other].map(({ memory }) =>
    Buffer.from(memory.buffer, memory.byteOffset, memory.length),
  ) as [Buffer, Buffer];
  for (let from = 0; from < a.length; from += BLOCK_BYTES) {
    const to = Math.min(a.length, from + BLOCK_BYTES);
    if (a.compare(b, from, to, from, to) === 0) continue;
    for (let at = from; at < to; at += WORD_BYTES) {
      const [before, after] = [a.readBigUInt64LE(at), b.readBigUInt64LE(at)];
      if (before !== after) each(at, before, after);
    }
  }
}

/**
 * Finds generator states: every word of the state differs, and the counters that follow do not. The
 * counters thus end a run of differences.
 */
function findPrngStates(base: RecordedStart, differences: readonly number[]): PrngState[] {
  const differing = new Set(differences);
  const view = new DataView(base.memory.buffer, base.memory.byteOffset, base.memory.length);
  const found: PrngState[] = [];
  for (const last of differences) {
    const at = last + WORD_BYTES - CHACHA_BYTES;
    if (differing.has(last + WORD_BYTES) || !isChachaState(view, at)) continue;
    let all = true;
    for (let word = at; word < last; word += WORD_BYTES) all &&= differing.has(word);
    if (all) found.push({ at, cheap: hasCheapState(view, at) });
  }
  // Further states belong to the program, and two of them may share a seed.
  if (found.length > MAX_PRNG_STATES)
    throw new SnapshotRefused('it makes random generators of its own before its first observable call');
  return found;
}

function wordsOf({ at }: PrngState): number[] {
  return Array.from({ length: CHACHA_BYTES / WORD_BYTES }, (_, index) => at + index * WORD_BYTES);
}
