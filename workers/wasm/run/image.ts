import { WASM_PAGE_BYTES } from '../../../src/contract/limits.js';
import { collectDirty } from '../instrument/dirty-cards.js';
import { isGlobal } from './instance.js';

/** Compared in stretches, so that calls into the runtime are few, and put back piece by piece, so that copies are small. */
const STRETCH_BYTES = 131_072;
const PIECE_BYTES = 16_384;
const ZEROS = Buffer.alloc(STRETCH_BYTES);

/** A guest's memory and mutable globals at one moment, shared by all threads. */
export interface Snapshot {
  pages: number;
  /** The pieces of the memory that are not all zero, one after the other. */
  filled: SharedArrayBuffer;
  /** Where each of them is, in pieces from the beginning of the memory; ascending. */
  places: Uint32Array;
  /** By export name. */
  globals: [name: string, value: number | bigint][];
}

export function takeSnapshot(memory: Uint8Array, globals: Snapshot['globals']): Snapshot {
  const source = Buffer.from(memory.buffer, memory.byteOffset, memory.length);
  const places: number[] = [];
  for (let from = 0; from < source.length; from += PIECE_BYTES) {
    if (ZEROS.compare(source, from, from + PIECE_BYTES, 0, PIECE_BYTES) !== 0)
      places.push(from / PIECE_BYTES);
  }
  const filled = new SharedArrayBuffer(places.length * PIECE_BYTES);
  places.forEach((place, index) => {
    const from = place * PIECE_BYTES;
    source.copy(Buffer.from(filled), index * PIECE_BYTES, from, from + PIECE_BYTES);
  });
  return { pages: memory.length / WASM_PAGE_BYTES, filled, places: Uint32Array.from(places), globals };
}

/** Pieces next to each other that are all zero, or all filled, in the snapshot. */
interface Stretch {
  from: number;
  to: number;
  /** Where it lies in what is filled; null when it is zero. */
  at: number | null;
}

/** Puts a memory back to a snapshot, writing only what differs. Everything the guest could reach is looked at. */
export class Restorer {
  readonly #filled: Buffer;
  readonly #stretches: readonly Stretch[];
  /** Where each piece lies in what is filled; -1 for those that are zero. */
  readonly #filledAt: Int32Array;
  readonly #end: number;
  readonly #globals: Snapshot['globals'];

  constructor(snapshot: Snapshot) {
    this.#filled = Buffer.from(snapshot.filled);
    this.#stretches = stretchesOf(snapshot);
    this.#filledAt = new Int32Array((snapshot.pages * WASM_PAGE_BYTES) / PIECE_BYTES).fill(-1);
    snapshot.places.forEach((place, index) => {
      this.#filledAt[place] = index * PIECE_BYTES;
    });
    this.#end = snapshot.pages * WASM_PAGE_BYTES;
    this.#globals = snapshot.globals;
  }

  /** Fills a memory that is all zero. */
  fill(memory: Uint8Array): void {
    for (const { from, to, at } of this.#stretches) {
      if (at !== null) memory.set(this.#filled.subarray(at, at + to - from), from);
    }
  }

  restore(memory: Uint8Array): void {
    const target = Buffer.from(memory.buffer, memory.byteOffset, memory.length);
    for (const stretch of this.#stretches) {
      if (this.#differs(target, stretch)) this.#putBack(target, stretch);
    }
    // What it has grown by.
    for (let from = this.#end; from < target.length; from += PIECE_BYTES) {
      if (ZEROS.compare(target, from, from + PIECE_BYTES, 0, PIECE_BYTES) !== 0) {
        target.fill(0, from, from + PIECE_BYTES);
      }
    }
  }

  /** Puts back only what may have been written, which the marks tell; they are taken away. */
  restoreMarked(memory: Uint8Array, marks: Uint8Array): void {
    const target = Buffer.from(memory.buffer, memory.byteOffset, memory.length);
    collectDirty(marks, target.length, (from, to) => {
      for (let at = from; at < to; ) {
        const piece = Math.floor(at / PIECE_BYTES);
        const end = Math.min(to, (piece + 1) * PIECE_BYTES);
        const filled = this.#filledAt[piece] ?? -1;
        if (filled < 0) target.fill(0, at, end);
        else {
          const source = filled - piece * PIECE_BYTES;
          this.#filled.copy(target, at, source + at, source + end);
        }
        at = end;
      }
    });
  }

  #differs(target: Buffer, { from, to, at }: Stretch): boolean {
    if (at === null) return ZEROS.compare(target, from, to, 0, to - from) !== 0;
    return target.compare(this.#filled, at, at + to - from, from, to) !== 0;
  }

  #putBack(target: Buffer, { from, to, at }: Stretch): void {
    for (let piece = from; piece < to; piece += PIECE_BYTES) {
      const part = { from: piece, to: piece + PIECE_BYTES, at: at === null ? null : at + piece - from };
      if (!this.#differs(target, part)) continue;
      if (part.at === null) target.fill(0, part.from, part.to);
      else this.#filled.copy(target, part.from, part.at, part.at + PIECE_BYTES);
    }
  }

  restoreGlobals(instance: WebAssembly.Instance): void {
    for (const [name, value] of this.#globals) {
      const global = instance.exports[name];
      if (isGlobal(global)) global.value = value;
    }
  }
}

function stretchesOf({ pages, places }: Snapshot): Stretch[] {
  const stretches: Stretch[] = [];
  let next = 0;
  for (let from = 0; from < pages * WASM_PAGE_BYTES; from += PIECE_BYTES) {
    const at = places[next] === from / PIECE_BYTES ? next++ * PIECE_BYTES : null;
    const last = stretches.at(-1);
    const goesOn = last !== undefined && (last.at === null) === (at === null);
    if (goesOn && last.to - last.from < STRETCH_BYTES) last.to += PIECE_BYTES;
    else stretches.push({ from, to: from + PIECE_BYTES, at });
  }
  return stretches;
}
