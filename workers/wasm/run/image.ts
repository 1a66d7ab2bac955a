import { WASM_PAGE_BYTES } from '../../../src/contract/limits.js';
import { collectDirty } from '../instrument/dirty-cards.js';
import { writeGlobals } from './instance.js';

/**
 * Memory is compared an extent at a time, so that calls into the runtime are few, and put back
 * block by block, so that copies are small.
 */
const EXTENT_BYTES = 131_072;
const BLOCK_BYTES = 16_384;
const ZEROS = Buffer.alloc(EXTENT_BYTES);

/** A guest's memory and mutable globals at one moment, shared by all threads. */
export interface Snapshot {
  pages: number;
  /** The blocks of the memory that are not all zero, one after the other. */
  filled: SharedArrayBuffer;
  /** Where each of them is, in blocks from the beginning of the memory; ascending. */
  places: Uint32Array;
  /** By the name of the export that sets each: see `readGlobals`. */
  globals: [name: string, value: number | bigint][];
}

export function takeSnapshot(memory: Uint8Array, globals: Snapshot['globals']): Snapshot {
  const source = Buffer.from(memory.buffer, memory.byteOffset, memory.length);
  const places: number[] = [];
  for (let from = 0; from < source.length; from += BLOCK_BYTES) {
    if (ZEROS.compare(source, from, from + BLOCK_BYTES, 0, BLOCK_BYTES) !== 0)
      places.push(from / BLOCK_BYTES);
  }
  const filled = new SharedArrayBuffer(places.length * BLOCK_BYTES);
  places.forEach((place, index) => {
    const from = place * BLOCK_BYTES;
    source.copy(Buffer.from(filled), index * BLOCK_BYTES, from, from + BLOCK_BYTES);
  });
  return { pages: memory.length / WASM_PAGE_BYTES, filled, places: Uint32Array.from(places), globals };
}

/** Adjacent blocks that are all zero, or all filled, in the snapshot. */
interface Extent {
  from: number;
  to: number;
  /** Where it lies in what is filled; null when it is zero. */
  at: number | null;
}

/** Puts a memory back to a snapshot, writing only what differs. */
export class Restorer {
  readonly #filled: Buffer;
  readonly #extents: readonly Extent[];
  /** Where each block lies in what is filled; -1 for those that are zero. */
  readonly #filledAt: Int32Array;
  readonly #end: number;
  readonly #globals: Snapshot['globals'];

  constructor(snapshot: Snapshot) {
    this.#filled = Buffer.from(snapshot.filled);
    this.#extents = extentsOf(snapshot);
    this.#filledAt = new Int32Array((snapshot.pages * WASM_PAGE_BYTES) / BLOCK_BYTES).fill(-1);
    snapshot.places.forEach((place, index) => {
      this.#filledAt[place] = index * BLOCK_BYTES;
    });
    this.#end = snapshot.pages * WASM_PAGE_BYTES;
    this.#globals = snapshot.globals;
  }

  /**
   * Fills the memory of a new instance, which is all zero: a module for snapshots has no active
   * data.
   */
  fill(memory: Uint8Array): void {
    for (const { from, to, at } of this.#extents) {
      if (at !== null) memory.set(this.#filled.subarray(at, at + to - from), from);
    }
  }

  restore(memory: Uint8Array): void {
    const target = Buffer.from(memory.buffer, memory.byteOffset, memory.length);
    for (const extent of this.#extents) {
      if (this.#differs(target, extent)) this.#putBack(target, extent);
    }
    // What it has grown by.
    for (let from = this.#end; from < target.length; from += BLOCK_BYTES) {
      if (ZEROS.compare(target, from, from + BLOCK_BYTES, 0, BLOCK_BYTES) !== 0) {
        target.fill(0, from, from + BLOCK_BYTES);
      }
    }
  }

  /** Puts back only what may have been written, as the dirty cards tell, and clears them. */
  restoreDirty(memory: Uint8Array, cards: Uint8Array): void {
    const target = Buffer.from(memory.buffer, memory.byteOffset, memory.length);
    collectDirty(cards, target.length, (from, to) => {
      for (let at = from; at < to; ) {
        const block = Math.floor(at / BLOCK_BYTES);
        const end = Math.min(to, (block + 1) * BLOCK_BYTES);
        const filled = this.#filledAt[block] ?? -1;
        if (filled < 0) target.fill(0, at, end);
        else {
          const source = filled - block * BLOCK_BYTES;
          this.#filled.copy(target, at, source + at, source + end);
        }
        at = end;
      }
    });
  }

  #differs(target: Buffer, { from, to, at }: Extent): boolean {
    if (at === null) return ZEROS.compare(target, from, to, 0, to - from) !== 0;
    return target.compare(this.#filled, at, at + to - from, from, to) !== 0;
  }

  #putBack(target: Buffer, { from, to, at }: Extent): void {
    for (let block = from; block < to; block += BLOCK_BYTES) {
      const part = { from: block, to: block + BLOCK_BYTES, at: at === null ? null : at + block - from };
      if (!this.#differs(target, part)) continue;
      if (part.at === null) target.fill(0, part.from, part.to);
      else this.#filled.copy(target, part.from, part.at, part.at + BLOCK_BYTES);
    }
  }

  restoreGlobals(instance: WebAssembly.Instance): void {
    writeGlobals(instance, this.#globals);
  }
}

function extentsOf({ pages, places }: Snapshot): Extent[] {
  const extents: Extent[] = [];
  let next = 0;
  for (let from = 0; from < pages * WASM_PAGE_BYTES; from += BLOCK_BYTES) {
    const at = places[next] === from / BLOCK_BYTES ? next++ * BLOCK_BYTES : null;
    const last = extents.at(-1);
    const goesOn = last !== undefined && (last.at === null) === (at === null);
    if (goesOn && last.to - last.from < EXTENT_BYTES) last.to += BLOCK_BYTES;
    else extents.push({ from, to: from + BLOCK_BYTES, at });
  }
  return extents;
}
