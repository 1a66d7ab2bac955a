import type { ByteRange, ParsedModule } from './module.js';
import { BULK, OP } from './opcodes.js';
import { ByteReader } from './reader.js';

/** Properties of a module's instructions. */
export interface Scan {
  /**
   * The positions, in ascending order, of all `memory.grow` and `memory.size` instructions, and the
   * empty ones before instructions that may take long, where a check for interrupts is inserted.
   */
  sites: { at: number; end: number; op: 'grow' | 'size' | 'check' }[];
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

/** The operand encodings of the one-byte instructions without a special case in `BodyScanner`. */
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
/** The instructions whose time depends on their last operand. */
const TAKES_LENGTH: ReadonlySet<number> = new Set([
  BULK.memoryInit,
  BULK.memoryCopy,
  BULK.memoryFill,
  BULK.tableInit,
  BULK.tableCopy,
  BULK.tableGrow,
  BULK.tableFill,
]);
/**
 * Constant lengths up to this need no check: a function of V8's largest size consists of some
 * 600,000 such instructions, which take 0.1 s. A negative length is read here as a small or as a
 * large one, and traps in either case, because it exceeds every memory and table.
 */
const SHORT_LENGTH = 1024;
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
  return new BodyScanner(bytes, start, end, found, onCall).scan();
}

/**
 * Reads the instructions of one body. Reading past the end yields 0; the check at the end of `scan`
 * detects it.
 */
class BodyScanner {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  readonly #found: Scan;
  readonly #onCall: OnCall | undefined;
  #at: number;
  /** Where the last `i32.const` of a short length ended. */
  #shortLengthAt = -1;

  constructor(bytes: Uint8Array, start: number, end: number, found: Scan, onCall: OnCall | undefined) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#found = found;
    this.#onCall = onCall;
  }

  /** Returns false when an instruction is unknown or the last one does not end with the body. */
  scan(): boolean {
    for (let groups = this.#leb(); groups > 0 && this.#at <= this.#end; groups--) this.#lebs(2);
    while (this.#at < this.#end) if (!this.#instruction()) return false;
    return this.#at === this.#end;
  }

  #instruction(): boolean {
    const from = this.#at;
    const opcode = this.#bytes[this.#at++] ?? 0;
    switch (OPERANDS[opcode]) {
      case NONE:
        return true;
      case LEB: {
        const operand = this.#leb();
        if (opcode === OP.i32Const && operand <= SHORT_LENGTH) {
          this.#shortLengthAt = this.#at;
        } else if (opcode === OP.tableSet) this.#found.keepsHiddenState = true;
        else if (opcode === OP.call) this.#onCall?.({ at: from, end: this.#at, target: operand });
        return true;
      }
      case LEB2:
        this.#lebs(2);
        return true;
      case MEMARG:
        this.#memarg();
        return true;
      default:
        return this.#other(opcode, from);
    }
  }

  #other(opcode: number, from: number): boolean {
    switch (opcode) {
      case OP.brTable:
        this.#lebs(this.#leb() + 1);
        return true;
      case OP.selectTyped:
        this.#lebs(this.#leb());
        return true;
      case OP.memorySize:
      case OP.memoryGrow:
        this.#leb();
        this.#found.sites.push({ at: from, end: this.#at, op: opcode === OP.memoryGrow ? 'grow' : 'size' });
        return true;
      case OP.f32Const:
        this.#at += 4;
        return true;
      case OP.f64Const:
        this.#at += 8;
        return true;
      case OP.bulkPrefix:
        return this.#bulk(this.#leb(), from);
      case OP.vectorPrefix:
        return this.#vector(this.#leb());
      case OP.atomicPrefix:
        return this.#atomic(this.#leb());
      default:
        return false;
    }
  }

  #bulk(operation: number, from: number): boolean {
    const operands = BULK_OPERANDS[operation];
    if (operands === undefined) return false;
    this.#lebs(operands);
    if (WRITES_HIDDEN_STATE.has(operation)) this.#found.keepsHiddenState = true;
    if (TAKES_LENGTH.has(operation) && this.#shortLengthAt !== from) {
      this.#found.sites.push({ at: from, end: from, op: 'check' });
    }
    return true;
  }

  #vector(operation: number): boolean {
    if (
      operation <= VECTOR.lastLoadOrStore ||
      operation === VECTOR.load32Zero ||
      operation === VECTOR.load64Zero
    )
      this.#memarg();
    else if (operation === VECTOR.v128Const || operation === VECTOR.i8x16Shuffle) this.#at += 16;
    else if (operation >= VECTOR.firstLane && operation <= VECTOR.lastLane) this.#at += 1;
    else if (operation >= VECTOR.firstLoadLane && operation <= VECTOR.lastStoreLane) {
      this.#memarg();
      this.#at += 1;
    }
    return operation <= VECTOR.last;
  }

  #atomic(operation: number): boolean {
    const isAccess = operation >= ATOMIC.firstAccess && operation <= ATOMIC.lastAccess;
    if (operation === ATOMIC.fence) this.#at += 1;
    else if (operation <= ATOMIC.wait64 || isAccess) this.#memarg();
    else return false;
    return true;
  }

  #memarg(): void {
    if ((this.#leb() & MEMORY_INDEX) !== 0) this.#leb();
    this.#leb();
  }

  /** Skips LEB128 numbers, at most to the end of the body, whatever the count. */
  #lebs(count: number): void {
    for (let left = count; left > 0 && this.#at <= this.#end; left--) this.#leb();
  }

  #leb(): number {
    let value = 0;
    let factor = 1;
    for (let length = 0; length < 10; length++) {
      const byte = this.#bytes[this.#at++] ?? 0;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
    this.#at = this.#end + 1;
    return value;
  }
}
