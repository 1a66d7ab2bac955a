import { I32 } from '../binary/value-types.js';
import { concat, i32Const, u32 } from '../binary/writer.js';
import { CARD_SHIFT } from './dirty-cards.js';

/** Bodies of the functions that the rewriter adds. */
const END = 0x0b;
const op = (...bytes: number[]) => Uint8Array.from(bytes);

/**
 * memory.grow(wanted) as the guest sees it: the old number of pages, or -1. The memory has so many `pagesBefore` the guest's.
 */
export function growFunction(
  globals: { pages: number; refused: number },
  maxPages: number,
  pagesBefore: number,
): Uint8Array {
  const P = u32(globals.pages);
  const R = u32(globals.refused);
  const max = i32Const(maxPages);
  const before = i32Const(pagesBefore);
  const refuse = concat([op(0x41, 1, 0x24), R, op(0x41, 0x7f, 0x0f, END)]); // refused = 1; return -1; end
  return concat([
    op(1, 1, I32), // one local: the new size (local 1)
    op(0x20, 0),
    max,
    op(0x4b), // wanted >u max
    op(0x23),
    P,
    op(0x20, 0, 0x6a, 0x22, 1), // new = pages + wanted
    max,
    op(0x4b, 0x72, 0x04, 0x40), // or new >u max: if
    refuse,
    op(0x20, 1),
    before,
    op(0x6a, 0x3f, 0, 0x4b, 0x04, 0x40), // if new + before >u memory.size
    op(0x20, 1),
    before,
    op(0x6a, 0x3f, 0, 0x6b, 0x40, 0, 0x41, 0x7f, 0x46, 0x04, 0x40), // if memory.grow(new + before - size) == -1
    refuse,
    op(END),
    op(0x23),
    P, // the old size stays on the stack
    op(0x20, 1, 0x24),
    P,
    op(END),
  ]);
}

/** memory.copy(to, from, length) behind the table of marks, and the marks for it. */
export function copyFunction(base: number): Uint8Array {
  return concat([
    op(0),
    trapBeyond(0, base),
    trapBeyond(1, base),
    op(0x20, 0),
    i32Const(base),
    op(0x6a, 0x20, 1),
    i32Const(base),
    op(0x6a, 0x20, 2, 0xfc, 10, 0, 0), // memory.copy(to + base, from + base, length)
    markRange(),
    op(END),
  ]);
}

/** memory.fill(to, value, length) likewise. */
export function fillFunction(base: number): Uint8Array {
  return concat([
    op(0),
    trapBeyond(0, base),
    op(0x20, 0),
    i32Const(base),
    op(0x6a, 0x20, 1, 0x20, 2, 0xfc, 11, 0), // memory.fill(to + base, value, length)
    markRange(),
    op(END),
  ]);
}

/** A trap of the same kind for an address beyond the memory: with the base added it might begin again at zero. */
function trapBeyond(parameter: number, base: number): Uint8Array {
  return concat([
    op(0x20, parameter, 0x3f, 0, 0x41, 16, 0x74), // memory.size << 16
    i32Const(base),
    op(0x6b, 0x4b, 0x04, 0x40), // if parameter >u size - base
    op(0x41, 0x7f, 0x2d, 0, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x1a, END), // load from -1 + (2^32 - 1); end
  ]);
}

/** Marks the chunks of parameter 2 bytes from parameter 0, which are in memory. Most are few: those cost no call. */
function markRange(): Uint8Array {
  const shift = i32Const(CARD_SHIFT);
  return concat([
    op(0x20, 2, 0x45, 0x04, 0x40, 0x0f, END), // if length == 0: return
    op(0x20, 0),
    shift,
    op(0x76, 0x22, 1, 0x41, 1, 0x3a, 0, 0), // parameter 1 = first chunk; mark it
    op(0x20, 0, 0x20, 2, 0x6a, 0x41, 1, 0x6b),
    shift,
    op(0x76, 0x22, 2, 0x41, 1, 0x3a, 0, 0), // parameter 2 = last chunk; mark it
    op(0x20, 2, 0x20, 1, 0x6b, 0x41, 1, 0x4b, 0x04, 0x40), // if last - first >u 1
    op(0x20, 1, 0x41, 1, 0x20, 2, 0x20, 1, 0x6b, 0xfc, 11, 0, END), // memory.fill(first, 1, last - first)
  ]);
}
