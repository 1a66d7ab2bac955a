import { isGlobal } from './instance.js';

const PAGE_BYTES = 65_536;
/** Compared and restored piece by piece: large enough that calls into the runtime are few, small enough that copies are. */
const PIECE_BYTES = 16_384;
const ZEROS = Buffer.alloc(PIECE_BYTES);

/** A guest's memory and mutable globals at one moment, shared by all threads. */
export interface Snapshot {
  pages: number;
  /** The whole memory; pieces that are all zero were never written and take no memory. */
  memory: SharedArrayBuffer;
  /** 1 for each piece that is not all zero. */
  filled: SharedArrayBuffer;
  /** By export name. */
  globals: [name: string, value: number | bigint][];
}

export function takeSnapshot(memory: Uint8Array, globals: Snapshot['globals']): Snapshot {
  const shared = new SharedArrayBuffer(memory.length);
  const filled = new SharedArrayBuffer(memory.length / PIECE_BYTES);
  const target = Buffer.from(shared);
  const flags = new Uint8Array(filled);
  const source = Buffer.from(memory.buffer, memory.byteOffset, memory.length);
  for (let piece = 0; piece < flags.length; piece++) {
    const from = piece * PIECE_BYTES;
    if (ZEROS.compare(source, from, from + PIECE_BYTES) === 0) continue;
    flags[piece] = 1;
    source.copy(target, from, from, from + PIECE_BYTES);
  }
  return { pages: memory.length / PAGE_BYTES, memory: shared, filled, globals };
}

/** Puts a memory back to a snapshot, writing only what differs. Everything the guest could reach is looked at. */
export class Restorer {
  readonly #image: Buffer;
  readonly #filled: Uint8Array;
  readonly #globals: Snapshot['globals'];

  constructor(snapshot: Snapshot) {
    this.#image = Buffer.from(snapshot.memory);
    this.#filled = new Uint8Array(snapshot.filled);
    this.#globals = snapshot.globals;
  }

  /** Fills a memory that is all zero. */
  fill(memory: Uint8Array): void {
    for (let piece = 0; piece < this.#filled.length; piece++) {
      if (this.#filled[piece] !== 1) continue;
      const from = piece * PIECE_BYTES;
      memory.set(this.#image.subarray(from, from + PIECE_BYTES), from);
    }
  }

  restore(memory: Uint8Array): void {
    const target = Buffer.from(memory.buffer, memory.byteOffset, memory.length);
    for (let piece = 0, from = 0; from < target.length; piece++, from += PIECE_BYTES) {
      const to = from + PIECE_BYTES;
      if (this.#filled[piece] === 1) {
        if (target.compare(this.#image, from, to, from, to) !== 0) this.#image.copy(target, from, from, to);
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
