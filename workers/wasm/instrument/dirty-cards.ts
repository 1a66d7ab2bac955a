import { WASM_PAGE_BYTES } from '../../../src/contract/limits.js';

/**
 * A card table: one byte per card of the guest's memory, set to 1 when a store may have written to
 * the card. The table is at the beginning of the linear memory, before the guest's own: the
 * rewriter adds the size of the table to the offset of every access. The guest's addresses and
 * traps thus do not change, and no address of the guest reaches the table.
 */
export const CARD_SHIFT = 10;
const CARD_BYTES = 1 << CARD_SHIFT;

/**
 * A dirty card also covers this many bytes before and after it, so that stores near each other need
 * only one barrier.
 */
export const BEFORE_BYTES = 128;
export const BEHIND_BYTES = 1024;

/** The size of the table in pages. */
export function cardTablePages(maxPages: number): number {
  return Math.ceil((maxPages * WASM_PAGE_BYTES) / CARD_BYTES / WASM_PAGE_BYTES);
}

/** Returns the part of the table that a memory of this size uses. */
export function cardTableOf(buffer: ArrayBuffer, tableBytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer, 0, (buffer.byteLength - tableBytes) >>> CARD_SHIFT);
}

/** Marks the cards of a write of the host, which must be within the memory. */
export function markDirty(cards: Uint8Array, from: number, length: number): void {
  if (length > 0) cards.fill(1, from >>> CARD_SHIFT, ((from + length - 1) >>> CARD_SHIFT) + 1);
}

/** Calls `each` with every range that may have been written, and clears the table. */
export function collectDirty(
  cards: Uint8Array,
  memoryBytes: number,
  each: (from: number, to: number) => void,
): void {
  const last = cards.length;
  for (let first = cards.indexOf(1); first >= 0; ) {
    let end = first + 1;
    // A clean card between two dirty ones is covered by the first of them.
    while (end < last && (cards[end] === 1 || cards[end + 1] === 1)) end++;
    each(
      Math.max(0, first * CARD_BYTES - BEFORE_BYTES),
      Math.min(memoryBytes, end * CARD_BYTES + BEHIND_BYTES),
    );
    first = cards.indexOf(1, end);
  }
  cards.fill(0);
}
