import { WASM_PAGE_BYTES } from '../../../src/contract/limits.js';
import { collectDirty } from '../instrument/dirty-cards.js';
import { type GlobalValues, instantiate, memoryOf, writeGlobals } from './instance.js';

/**
 * Memory is compared in extents, so that there are few native calls, and restored in parts, so that
 * copies are small.
 */
const EXTENT_BYTES = 131_072;
const PART_BYTES = 16_384;
/**
 * The unit of a snapshot. Two JavaScript functions differ in about 110 words of 1.6 MB, which are
 * in 27 blocks of 1 KB, 22 of 4 KB, or 16 of 16 KB.
 */
const BLOCK_BYTES = 4096;
const BLOCKS_PER_PART = PART_BYTES / BLOCK_BYTES;
const ZEROS = Buffer.alloc(EXTENT_BYTES);
/** The source of a block that is all zero. */
const ZERO = -(2 ** 31);

/** The memory and the mutable globals of a guest at one point in time, shared by all threads. */
export interface Snapshot {
  pages: number;
  /** The contents of blocks that are not all zero, concatenated. */
  filled: SharedArrayBuffer;
  /** The contents of another snapshot, for blocks that both share: see `shareBlocks`. */
  base: SharedArrayBuffer | null;
  /**
   * The source of each block of the memory: n for block n of `filled`, ~n for block n of `base`, or
   * `ZERO`.
   */
  sources: Int32Array;
  globals: GlobalValues;
}

/** Takes a snapshot of a memory and of the given globals. */
export function takeSnapshot(memory: Uint8Array, globals: GlobalValues): Snapshot {
  const source = Buffer.from(memory.buffer, memory.byteOffset, memory.length);
  const parts: number[] = [];
  for (let from = 0; from < source.length; from += PART_BYTES) {
    if (ZEROS.compare(source, from, from + PART_BYTES, 0, PART_BYTES) !== 0) parts.push(from);
  }
  const filled = new SharedArrayBuffer(parts.length * PART_BYTES);
  const target = Buffer.from(filled);
  const sources = new Int32Array(source.length / BLOCK_BYTES).fill(ZERO);
  parts.forEach((from, index) => {
    source.copy(target, index * PART_BYTES, from, from + PART_BYTES);
    for (let block = 0; block < BLOCKS_PER_PART; block++) {
      sources[from / BLOCK_BYTES + block] = index * BLOCKS_PER_PART + block;
    }
  });
  return { pages: memory.length / WASM_PAGE_BYTES, filled, base: null, sources, globals };
}

/** Returns how many bytes of an instance's memory are in non-zero blocks at the start of a run. */
export function filledBytes({ sources }: Snapshot): number {
  return sources.reduce((bytes, source) => (source === ZERO ? bytes : bytes + BLOCK_BYTES), 0);
}

/** Returns how many bytes of a memory are in parts that are not all zero. */
export function filledBytesOf(memory: Uint8Array): number {
  const source = Buffer.from(memory.buffer, memory.byteOffset, memory.length);
  let bytes = 0;
  for (let from = 0; from < source.length; from += PART_BYTES) {
    if (ZEROS.compare(source, from, from + PART_BYTES, 0, PART_BYTES) !== 0) bytes += PART_BYTES;
  }
  return bytes;
}

/**
 * Returns the snapshot without the blocks that are equal in `base`. Programs with the same code
 * mostly have the same memory: for two JavaScript functions, all but their own sources and data.
 */
export function shareBlocks(snapshot: Snapshot, base: Snapshot): Snapshot {
  if (base.base !== null || snapshot.base !== null || base === snapshot) return snapshot;
  const [own, theirs] = [Buffer.from(snapshot.filled), Buffer.from(base.filled)];
  const offsets: number[] = [];
  const sources = snapshot.sources.map((source, block) => {
    if (source === ZERO) return ZERO;
    const shared = base.sources[block] ?? ZERO;
    const [at, theirAt] = [source * BLOCK_BYTES, shared * BLOCK_BYTES];
    const isSame =
      shared !== ZERO && own.compare(theirs, theirAt, theirAt + BLOCK_BYTES, at, at + BLOCK_BYTES) === 0;
    return isSame ? ~shared : offsets.push(at) - 1;
  });
  const filled = new SharedArrayBuffer(offsets.length * BLOCK_BYTES);
  const target = Buffer.from(filled);
  offsets.forEach((at, index) => {
    own.copy(target, index * BLOCK_BYTES, at, at + BLOCK_BYTES);
  });
  return { ...snapshot, filled, base: base.filled, sources };
}

/** Adjacent blocks that are all zero, or contiguous in one buffer. */
interface Extent {
  from: number;
  to: number;
  /** The buffer with the content; null when the content is zero. */
  buffer: Buffer | null;
  at: number;
}

/** Restores a memory to a snapshot, writing only what differs. */
export class Restorer {
  readonly #filled: Buffer;
  readonly #base: Buffer;
  readonly #sources: Int32Array;
  readonly #extents: readonly Extent[];
  readonly #pages: number;
  readonly #globals: GlobalValues;

  constructor({ filled, base, sources, pages, globals }: Snapshot) {
    this.#filled = Buffer.from(filled);
    this.#base = Buffer.from(base ?? filled);
    this.#sources = sources;
    this.#pages = pages;
    this.#globals = globals;
    this.#extents = this.#extentsOf();
  }

  /** Creates an instance of a module rewritten for snapshots, whose memory is initially empty. */
  instantiate(
    { module, tableBytes }: { module: WebAssembly.Module; tableBytes: number },
    imports: WebAssembly.Imports,
  ): WebAssembly.Instance {
    const instance = instantiate(module, imports, this.#pages);
    const memory = memoryOf(instance);
    if (memory !== null) this.fill(new Uint8Array(memory.buffer, tableBytes));
    this.restoreGlobals(instance);
    return instance;
  }

  /** Fills a memory that is all zero. */
  fill(memory: Uint8Array): void {
    for (const { from, to, buffer, at } of this.#extents) {
      if (buffer !== null) memory.set(buffer.subarray(at, at + to - from), from);
    }
  }

  restore(memory: Uint8Array): void {
    const target = Buffer.from(memory.buffer, memory.byteOffset, memory.length);
    for (const extent of this.#extents) {
      if (differs(target, extent)) restoreExtent(target, extent);
    }
    // Clears the part that the memory has grown by.
    for (let from = this.#pages * WASM_PAGE_BYTES; from < target.length; from += PART_BYTES) {
      if (ZEROS.compare(target, from, from + PART_BYTES, 0, PART_BYTES) !== 0) {
        target.fill(0, from, from + PART_BYTES);
      }
    }
  }

  /** Restores only ranges whose cards are dirty, and clears the cards. */
  restoreDirty(memory: Uint8Array, cards: Uint8Array): void {
    const target = Buffer.from(memory.buffer, memory.byteOffset, memory.length);
    collectDirty(cards, target.length, (from, to) => {
      for (let at = from; at < to; ) {
        const block = Math.floor(at / BLOCK_BYTES);
        const source = this.#sources[block] ?? ZERO;
        // Extend the range while the following blocks are contiguous in the same source, or all
        // zero.
        const step = source === ZERO ? 0 : source < 0 ? -1 : 1;
        let next = block + 1;
        while (next * BLOCK_BYTES < to && this.#sources[next] === source + step * (next - block)) next++;
        const end = Math.min(to, next * BLOCK_BYTES);
        if (source === ZERO) target.fill(0, at, end);
        else {
          const buffer = source < 0 ? this.#base : this.#filled;
          const offset = ((source < 0 ? ~source : source) - block) * BLOCK_BYTES;
          buffer.copy(target, at, offset + at, offset + end);
        }
        at = end;
      }
    });
  }

  restoreGlobals(instance: WebAssembly.Instance): void {
    writeGlobals(instance, this.#globals);
  }

  #extentsOf(): Extent[] {
    const extents: Extent[] = [];
    this.#sources.forEach((source, block) => {
      const from = block * BLOCK_BYTES;
      const buffer = source === ZERO ? null : source < 0 ? this.#base : this.#filled;
      const at = buffer === null ? 0 : (source < 0 ? ~source : source) * BLOCK_BYTES;
      const last = extents.at(-1);
      if (last !== undefined && continuesExtent(last, buffer, at)) last.to += BLOCK_BYTES;
      else extents.push({ from, to: from + BLOCK_BYTES, buffer, at });
    });
    return extents;
  }
}

function continuesExtent(last: Extent, buffer: Buffer | null, at: number): boolean {
  const length = last.to - last.from;
  if (length >= EXTENT_BYTES || last.buffer !== buffer) return false;
  return buffer === null || last.at + length === at;
}

function differs(target: Buffer, { from, to, buffer, at }: Extent): boolean {
  if (buffer === null) return ZEROS.compare(target, from, to, 0, to - from) !== 0;
  return target.compare(buffer, at, at + to - from, from, to) !== 0;
}

function restoreExtent(target: Buffer, extent: Extent): void {
  for (let from = extent.from; from < extent.to; from += PART_BYTES) {
    const to = Math.min(from + PART_BYTES, extent.to);
    const part = { from, to, buffer: extent.buffer, at: extent.at + from - extent.from };
    if (!differs(target, part)) continue;
    if (part.buffer === null) target.fill(0, from, to);
    else part.buffer.copy(target, from, part.at, part.at + to - from);
  }
}
