import { isGlobal } from './instance.js';

export const PAGE_BYTES = 65_536;
/** Compared and restored piece by piece: large enough that calls into the runtime are few, small enough that copies are. */
const PIECE_BYTES = 16_384;
const ZEROS = Buffer.alloc(PIECE_BYTES);

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
    if (ZEROS.compare(source, from, from + PIECE_BYTES) !== 0) places.push(from / PIECE_BYTES);
  }
  const filled = new SharedArrayBuffer(places.length * PIECE_BYTES);
  places.forEach((place, index) => {
    const from = place * PIECE_BYTES;
    source.copy(Buffer.from(filled), index * PIECE_BYTES, from, from + PIECE_BYTES);
  });
  return { pages: memory.length / PAGE_BYTES, filled, places: Uint32Array.from(places), globals };
}

/** Puts a memory back to a snapshot, writing only what differs. Everything the guest could reach is looked at. */
export class Restorer {
  readonly #filled: Buffer;
  readonly #places: Uint32Array;
  readonly #globals: Snapshot['globals'];

  constructor(snapshot: Snapshot) {
    this.#filled = Buffer.from(snapshot.filled);
    this.#places = snapshot.places;
    this.#globals = snapshot.globals;
  }

  /** Fills a memory that is all zero. */
  fill(memory: Uint8Array): void {
    this.#places.forEach((place, index) => {
      const at = index * PIECE_BYTES;
      memory.set(this.#filled.subarray(at, at + PIECE_BYTES), place * PIECE_BYTES);
    });
  }

  restore(memory: Uint8Array): void {
    const target = Buffer.from(memory.buffer, memory.byteOffset, memory.length);
    let next = 0;
    for (let from = 0; from < target.length; from += PIECE_BYTES) {
      const to = from + PIECE_BYTES;
      if (this.#places[next] === from / PIECE_BYTES) {
        const at = next++ * PIECE_BYTES;
        const differs = target.compare(this.#filled, at, at + PIECE_BYTES, from, to) !== 0;
        if (differs) this.#filled.copy(target, from, at, at + PIECE_BYTES);
      } else if (ZEROS.compare(target, from, to) !== 0) target.fill(0, from, to);
    }
  }

  restoreGlobals(instance: WebAssembly.Instance): void {
    for (const [name, value] of this.#globals) {
      const global = instance.exports[name];
      if (isGlobal(global)) global.value = value;
    }
  }
}
