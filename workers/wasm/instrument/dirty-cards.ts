import { WASM_PAGE_BYTES } from '../../../src/contract/limits.js';
/**
 * Where a guest has written, by chunks of its memory: a table of one byte each, at the beginning of the same linear memory. The guest's own
 * memory lies behind it: the rewriter adds the table's size to the offset of every access, so that the guest's addresses
 * stay what they are, traps come where they came, and no address of the guest's reaches the table.
 */
export const CARD_SHIFT = 10;
const CHUNK_BYTES = 1 << CARD_SHIFT;

/** A mark stands for its chunk and for so much before and behind it: stores that are near each other need one mark. */
export const BEFORE_BYTES = 128;
export const BEHIND_BYTES = 1024;

/** Of the table, in whole pages. */
export function cardTablePages(maxPages: number): number {
  return Math.ceil((maxPages * WASM_PAGE_BYTES) / CHUNK_BYTES / WASM_PAGE_BYTES);
}

/** The marks for a memory of this size. */
export function cardTableOf(buffer: ArrayBuffer, tableBytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer, 0, (buffer.byteLength - tableBytes) >>> CARD_SHIFT);
}

/** For what the host writes: all of it is in memory. */
export function markDirty(marks: Uint8Array, from: number, length: number): void {
  if (length > 0) marks.fill(1, from >>> CARD_SHIFT, ((from + length - 1) >>> CARD_SHIFT) + 1);
}

/** Calls back with all that may have been written, and takes the marks away. */
export function collectDirty(
  marks: Uint8Array,
  memoryBytes: number,
  each: (from: number, to: number) => void,
): void {
  const last = marks.length;
  for (let first = marks.indexOf(1); first >= 0; ) {
    let end = first + 1;
    // One that is not marked between two that are belongs to what is behind the first.
    while (end < last && (marks[end] === 1 || marks[end + 1] === 1)) end++;
    each(
      Math.max(0, first * CHUNK_BYTES - BEFORE_BYTES),
      Math.min(memoryBytes, end * CHUNK_BYTES + BEHIND_BYTES),
    );
    first = marks.indexOf(1, end);
  }
  marks.fill(0);
}
