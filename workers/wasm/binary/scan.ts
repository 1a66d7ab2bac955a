import type { ParsedModule } from './parse.js';

/** What a module's instructions do that its outline does not tell. */
export interface Scan {
  /** Where each `memory.grow` and `memory.size` stands, in ascending order. */
  sites: { at: number; end: number; op: 'grow' | 'size' }[];
  /** Writes tables or drops segments: state that a reset in place does not restore. */
  keepsHiddenState: boolean;
}

/** How the operands of an instruction are encoded: `u`nsigned LEBs, a memory argument, a number of raw bytes … */
const NONE = 0;
const LEB = 1;
const LEB2 = 2;
const MEMARG = 3;
const UNKNOWN = 4;

/** Operands of the one-byte instructions that have no special case in `scan`. */
const OPERANDS = new Uint8Array(256).fill(UNKNOWN);
const set = (shape: number, ...ranges: [number, number][]) => {
  for (const [from, to] of ranges) OPERANDS.fill(shape, from, to + 1);
};
set(NONE, [0x00, 0x01], [0x05, 0x05], [0x0b, 0x0b], [0x0f, 0x0f], [0x19, 0x1b], [0x45, 0xc4], [0xd1, 0xd1]);
set(LEB, [0x02, 0x04], [0x06, 0x09], [0x0c, 0x0d], [0x10, 0x10], [0x12, 0x12], [0x18, 0x18], [0x20, 0x26]);
set(LEB, [0x41, 0x42], [0xd0, 0xd0], [0xd2, 0xd2]);
set(LEB2, [0x11, 0x11], [0x13, 0x13]);
set(MEMARG, [0x28, 0x3e]);

const TABLE_SET = 0x26;
const BULK_OPERANDS = [0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 1, 2, 1, 2, 1, 1, 1];
/** data.drop, table.init, elem.drop, table.copy, table.grow, table.fill */
const BULK_HIDDEN = new Set([9, 12, 13, 14, 15, 17]);

/**
 * Walks all instructions. null when it meets one it does not know or runs out of bytes: then the module is left as it is,
 * and V8 says whether it is valid.
 */
export function scan(module: ParsedModule): Scan | null {
  const bytes = module.bytes;
  const found: Scan = { sites: [], keepsHiddenState: false };
  for (const body of module.bodies) if (!scanBody(bytes, body.start, body.end, found)) return null;
  return found;
}

function scanBody(bytes: Uint8Array, start: number, end: number, found: Scan): boolean {
  let at = start;
  // Reading past the end yields 0 and is noticed once, at the bottom of the loop.
  const leb = (): number => {
    let value = 0;
    let factor = 1;
    for (let length = 0; length < 10; length++) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
    at = end + 1;
    return value;
  };
  const memarg = () => {
    // Bit 6 of the alignment announces a memory index (multi-memory).
    if ((leb() & 0x40) !== 0) leb();
    leb();
  };

  for (let groups = leb(); groups > 0 && at <= end; groups--) {
    leb();
    leb();
  }
  while (at < end) {
    const from = at;
    const opcode = bytes[at++] ?? 0;
    const shape = OPERANDS[opcode];
    if (shape === LEB) {
      leb();
      if (opcode === TABLE_SET) found.keepsHiddenState = true;
    } else if (shape === MEMARG) memarg();
    else if (shape === LEB2) {
      leb();
      leb();
    } else if (shape === UNKNOWN) {
      switch (opcode) {
        case 0x0e: // br_table
        case 0x1c: // select t
          for (let entries = leb() + (opcode === 0x0e ? 1 : 0); entries > 0 && at <= end; entries--) leb();
          break;
        case 0x3f:
        case 0x40:
          leb();
          found.sites.push({ at: from, end: at, op: opcode === 0x40 ? 'grow' : 'size' });
          break;
        case 0x43:
          at += 4;
          break;
        case 0x44:
          at += 8;
          break;
        case 0xfc: {
          const operation = leb();
          const operands = BULK_OPERANDS[operation];
          if (operands === undefined) return false;
          for (let left = operands; left > 0; left--) leb();
          if (BULK_HIDDEN.has(operation)) found.keepsHiddenState = true;
          break;
        }
        case 0xfd: {
          const operation = leb();
          if (operation <= 11 || operation === 92 || operation === 93) memarg();
          else if (operation === 12 || operation === 13) at += 16;
          else if (operation >= 21 && operation <= 34) at += 1;
          else if (operation >= 84 && operation <= 91) {
            memarg();
            at += 1;
          } else if (operation > 0x113) return false;
          break;
        }
        case 0xfe: {
          const operation = leb();
          if (operation === 3) at += 1;
          else if (operation <= 2 || (operation >= 0x10 && operation <= 0x4e)) memarg();
          else return false;
          break;
        }
        default:
          return false;
      }
    }
  }
  return at === end;
}
