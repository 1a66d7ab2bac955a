import { WASM_PAGE_BYTES } from '../../../src/contract/limits.js';

/**
 * A card table: one byte for each card of the guest's memory, 1 when a store may have gone there.
 * It lies at the beginning of the same linear memory, before the guest's own: the rewriter adds the
 * table's size to the offset of every access, so that the guest's addresses stay what they are,
 * traps come where they came, and no address of the guest's reaches the table.
 */
export const CARD_SHIFT = 10;
const CARD_BYTES = 1 << CARD_SHIFT;

/**
 * A dirty card also stands for so many bytes before and after it: stores that are near each other
 * need one barrier.
 */
export const BEFORE_BYTES = 128;
export const BEHIND_BYTES = 1024;

/** The size of the table, in whole pages. */
export function cardTablePages(maxPages: number): number {
  return Math.ceil((maxPages * WASM_PAGE_BYTES) / CARD_BYTES / WASM_PAGE_BYTES);
}

/** The part of the table that a memory of this size uses. */
export function cardTableOf(buffer: ArrayBuffer, tableBytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer, 0, (buffer.byteLength - tableBytes) >>> CARD_SHIFT);
}

/** For what the host writes, which is inside the memory. */
export function markDirty(cards: Uint8Array, from: number, length: number): void {
  if (length > 0) cards.fill(1, from >>> CARD_SHIFT, ((from + length - 1) >>> CARD_SHIFT) + 1);
}

/** Calls back with each range that may have been written, and clears the table. */
export function collectDirty(
  cards: Uint8Array,
  memoryBytes: number,
  each: (from: number, to: number) => void,
): void {
  const last = cards.length;
  for (let first = cards.indexOf(1); first >= 0; ) {
    let end = first + 1;
    // A clean card between two dirty ones is within what the first one stands for.
    while (end < last && (cards[end] === 1 || cards[end + 1] === 1)) end++;
    each(
      Math.max(0, first * CARD_BYTES - BEFORE_BYTES),
      Math.min(memoryBytes, end * CARD_BYTES + BEHIND_BYTES),
    );
    first = cards.indexOf(1, end);
  }
  cards.fill(0);
}
