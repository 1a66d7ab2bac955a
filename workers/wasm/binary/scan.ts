import type { ByteRange, ParsedModule } from './module.js';
import { BULK, OP } from './opcodes.js';
import { ByteReader } from './reader.js';

/** Properties of a module's instructions. */
export interface Scan {
  /** The positions of all `memory.grow` and `memory.size` instructions, in ascending order. */
  sites: { at: number; end: number; op: 'grow' | 'size' }[];
  /** Whether the code writes tables or drops segments, which an in-place reset does not restore. */
  keepsHiddenState: boolean;
}

/**
 * The operand encodings of an instruction: none, one or two LEB128 numbers, a memory argument,
 * other.
 */
const NONE = 0;
const LEB = 1;
const LEB2 = 2;
const MEMARG = 3;
const OTHER = 4;

/** The operand encodings of the one-byte instructions without a special case in `scanBody`. */
const OPERANDS = new Uint8Array(256).fill(OTHER);
const set = (shape: number, ...ranges: [number, number][]) => {
  for (const [from, to] of ranges) OPERANDS.fill(shape, from, to + 1);
};
set(NONE, [OP.unreachable, OP.nop], [OP.else, OP.else], [OP.end, OP.end], [OP.return, OP.return]);
set(NONE, [OP.catchAll, OP.select], [OP.i32Eqz, OP.i64Extend32S], [OP.refIsNull, OP.refIsNull]);
set(LEB, [OP.block, OP.if], [OP.try, OP.rethrow], [OP.br, OP.brIf], [OP.call, OP.call]);
set(LEB, [OP.returnCall, OP.returnCall], [OP.delegate, OP.delegate], [OP.localGet, OP.tableSet]);
set(LEB, [OP.i32Const, OP.i64Const], [OP.refNull, OP.refNull], [OP.refFunc, OP.refFunc]);
set(LEB2, [OP.callIndirect, OP.callIndirect], [OP.returnCallIndirect, OP.returnCallIndirect]);
set(MEMARG, [OP.i32Load, OP.i64Store32]);

/** The number of LEB128 operands of each instruction after `OP.bulkPrefix`. */
const BULK_OPERANDS = [0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 1, 2, 1, 2, 1, 1, 1];
/** The instructions that write tables or drop segments. */
const WRITES_HIDDEN_STATE: ReadonlySet<number> = new Set([
  BULK.dataDrop,
  BULK.tableInit,
  BULK.elemDrop,
  BULK.tableCopy,
  BULK.tableGrow,
  BULK.tableFill,
]);
/** The vector instructions after `OP.vectorPrefix` (§5.4.8) that have operands. */
const VECTOR = {
  lastLoadOrStore: 11,
  v128Const: 12,
  i8x16Shuffle: 13,
  firstLane: 21,
  lastLane: 34,
  firstLoadLane: 84,
  lastStoreLane: 91,
  load32Zero: 92,
  load64Zero: 93,
  last: 0x113,
} as const;
/** The atomic instructions after `OP.atomicPrefix` (threads proposal). */
const ATOMIC = { notify: 0, wait64: 2, fence: 3, firstAccess: 0x10, lastAccess: 0x4e } as const;
/** The alignment bit that indicates a memory index (multi-memory proposal). */
const MEMORY_INDEX = 0x40;

type OnCall = (site: { at: number; end: number; target: number }) => void;

/**
 * Scans all instructions. Returns null when it meets an unknown instruction or the end of the
 * bytes; the module's code is then not rewritten.
 */
export function scan(module: ParsedModule): Scan | null {
  const bytes = module.bytes;
  const found: Scan = { sites: [], keepsHiddenState: false };
  for (const body of module.bodies) if (!scanBody(bytes, body.start, body.end, found)) return null;
  return found;
}

/** Returns where the instructions of a body begin, after its local declarations. */
export function instructionsOf(module: ParsedModule, body: ByteRange): number {
  const reader = new ByteReader(module.bytes, body.start, body.end);
  for (let groups = reader.u32(); groups > 0; groups--) {
    reader.u32();
    reader.u8();
  }
  return reader.at;
}

/** Returns the positions of direct calls in a body. */
export function callSites(
  module: ParsedModule,
  body: ByteRange,
): { at: number; end: number; target: number }[] {
  const calls: { at: number; end: number; target: number }[] = [];
  const found: Scan = { sites: [], keepsHiddenState: false };
  scanBody(module.bytes, body.start, body.end, found, (site) => calls.push(site));
  return calls;
}

function scanBody(bytes: Uint8Array, start: number, end: number, found: Scan, onCall?: OnCall): boolean {
  let at = start;
  // Reading past the end yields 0; the check at the end of the function detects it.
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
    if ((leb() & MEMORY_INDEX) !== 0) leb();
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
      const operand = leb();
      if (opcode === OP.tableSet) found.keepsHiddenState = true;
      else if (opcode === OP.call) onCall?.({ at: from, end: at, target: operand });
    } else if (shape === MEMARG) memarg();
    else if (shape === LEB2) {
      leb();
      leb();
    } else if (shape === OTHER) {
      switch (opcode) {
        case OP.brTable:
        case OP.selectTyped:
          for (let left = leb() + (opcode === OP.brTable ? 1 : 0); left > 0 && at <= end; left--) leb();
          break;
        case OP.memorySize:
        case OP.memoryGrow:
          leb();
          found.sites.push({ at: from, end: at, op: opcode === OP.memoryGrow ? 'grow' : 'size' });
          break;
        case OP.f32Const:
          at += 4;
          break;
        case OP.f64Const:
          at += 8;
          break;
        case OP.bulkPrefix: {
          const operation = leb();
          const operands = BULK_OPERANDS[operation];
          if (operands === undefined) return false;
          for (let left = operands; left > 0; left--) leb();
          if (WRITES_HIDDEN_STATE.has(operation)) found.keepsHiddenState = true;
          break;
        }
        case OP.vectorPrefix: {
          const operation = leb();
          if (
            operation <= VECTOR.lastLoadOrStore ||
            operation === VECTOR.load32Zero ||
            operation === VECTOR.load64Zero
          )
            memarg();
          else if (operation === VECTOR.v128Const || operation === VECTOR.i8x16Shuffle) at += 16;
          else if (operation >= VECTOR.firstLane && operation <= VECTOR.lastLane) at += 1;
          else if (operation >= VECTOR.firstLoadLane && operation <= VECTOR.lastStoreLane) {
            memarg();
            at += 1;
          } else if (operation > VECTOR.last) return false;
          break;
        }
        case OP.atomicPrefix: {
          const operation = leb();
          if (operation === ATOMIC.fence) at += 1;
          else if (
            operation <= ATOMIC.wait64 ||
            (operation >= ATOMIC.firstAccess && operation <= ATOMIC.lastAccess)
          )
            memarg();
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
