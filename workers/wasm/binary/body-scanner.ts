import { CatchDepth } from './catch-depth.js';
import type { CompileCost } from './compile-cost.js';
import { type ByteRange, VALUE_TYPES } from './module.js';
import { ATOMIC, BULK, EMPTY_BLOCK, OP, VECTOR } from './opcodes.js';
import { BLOCK, BULK_OPERANDS, CONTROL, CONTROL_LEB, LEB, MEMARG, NONE, OPERANDS } from './operand-shapes.js';

/** Properties of a module's instructions. */
export interface Scan {
  /**
   * The positions, in ascending order, of all `memory.grow` and `memory.size` instructions, and the
   * empty ones before instructions that may take long, where a check for interrupts is inserted.
   */
  sites: { at: number; end: number; op: 'grow' | 'size' | 'check' }[];
  /** Whether the code writes tables or drops segments, which an in-place reset does not restore. */
  keepsHiddenState: boolean;
  growsTables: boolean;
  /** Whether the code may make references to functions, each of which V8 keeps as an object. */
  usesReferences: boolean;
  /** The largest number of exceptions that one call of a function handles at once. */
  catchDepth: number;
}

/** Returns the scan of a module without code. */
export function emptyScan(): Scan {
  return { sites: [], keepsHiddenState: false, growsTables: false, usesReferences: false, catchDepth: 0 };
}

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
/** The bit of the last byte of a LEB128 that makes a signed number negative. */
const NEGATIVE = 0x40;
/** The alignment bit that indicates a memory index (multi-memory proposal). */
const MEMORY_INDEX = 0x40;

type OnCall = (site: { at: number; end: number; target: number }) => void;

/**
 * Reads the instructions of one body. Reading past the end yields 0; the check at the end of `scan`
 * detects it.
 */
export class BodyScanner {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  readonly #found: Scan;
  readonly #cost: CompileCost | null;
  readonly #onCall: OnCall | undefined;
  readonly #catches = new CatchDepth();
  #at: number;
  /** Where the last `i32.const` of a short length ended. */
  #shortLengthAt = -1;

  constructor(bytes: Uint8Array, body: ByteRange, found: Scan, cost: CompileCost | null, onCall?: OnCall) {
    this.#bytes = bytes;
    this.#at = body.start;
    this.#end = body.end;
    this.#found = found;
    this.#cost = cost;
    this.#onCall = onCall;
  }

  /**
   * Returns false when an instruction or a type is unknown or the last instruction does not end
   * with the body. A type that takes more than one byte must not be taken for one that does not:
   * all instructions after it would be read as others than those that V8 runs.
   */
  scan(): boolean {
    this.#cost?.begin();
    for (let groups = this.#leb(); groups > 0 && this.#at <= this.#end; groups--) {
      const locals = this.#leb();
      if (!this.#valueTypes(1)) return false;
      this.#cost?.declare(locals);
    }
    while (this.#at < this.#end) if (!this.#instruction()) return false;
    this.#found.catchDepth = Math.max(this.#found.catchDepth, this.#catches.most);
    return this.#at === this.#end;
  }

  #instruction(): boolean {
    const from = this.#at;
    const opcode = this.#bytes[this.#at++] ?? 0;
    switch (OPERANDS[opcode]) {
      case NONE:
        break;
      case LEB: {
        const operand = this.#leb();
        if (opcode === OP.i32Const && operand <= SHORT_LENGTH) {
          this.#shortLengthAt = this.#at;
        }
        break;
      }
      case MEMARG:
        this.#memarg();
        break;
      case CONTROL:
        this.#control(opcode, 0, from);
        return true;
      case CONTROL_LEB:
        this.#control(opcode, this.#leb(), from);
        return true;
      case BLOCK:
        return this.#block(opcode);
      default:
        return this.#other(opcode, from);
    }
    this.#cost?.plain(opcode);
    return true;
  }

  /** Reads a block type (§5.4.1): a type index, or a negative number of one byte. */
  #block(opcode: number): boolean {
    const from = this.#at;
    const type = this.#leb();
    const isIndex = ((this.#bytes[this.#at - 1] ?? 0) & NEGATIVE) === 0;
    const isOneByte = this.#at === from + 1;
    if (!isIndex && !(isOneByte && (type === EMPTY_BLOCK || VALUE_TYPES.has(type)))) return false;
    this.#catches.enter();
    this.#cost?.enter(opcode, isIndex ? type : null, type === EMPTY_BLOCK ? 0 : 1);
    return true;
  }

  /** An instruction that changes where control goes, with its operand, if it has one. */
  #control(opcode: number, operand: number, from: number): void {
    const cost = this.#cost;
    switch (opcode) {
      case OP.else:
        cost?.else();
        return;
      case OP.end:
      case OP.delegate:
        this.#catches.end();
        cost?.end();
        return;
      case OP.catch:
        this.#catches.catch();
        cost?.catch(operand);
        return;
      case OP.catchAll:
        this.#catches.catch();
        cost?.catch(null);
        return;
      case OP.throw:
        cost?.throw(operand);
        return;
      case OP.br:
        cost?.br(operand);
        return;
      case OP.brIf:
        cost?.brIf(operand);
        return;
      case OP.return:
        cost?.return();
        return;
      case OP.call:
        cost?.call(operand);
        this.#onCall?.({ at: from, end: this.#at, target: operand });
        return;
      case OP.returnCall:
        cost?.call(operand);
        break;
    }
    cost?.stop();
  }

  #other(opcode: number, from: number): boolean {
    switch (opcode) {
      case OP.brTable: {
        const targets = this.#leb() + 1;
        this.#lebs(targets);
        this.#cost?.brTable(targets);
        return true;
      }
      case OP.callIndirect:
      case OP.returnCallIndirect: {
        const type = this.#leb();
        this.#leb();
        this.#cost?.callIndirect(type);
        if (opcode === OP.returnCallIndirect) this.#cost?.stop();
        return true;
      }
      case OP.tableGet:
      case OP.tableSet:
      case OP.refFunc:
        this.#leb();
        this.#found.usesReferences = true;
        if (opcode === OP.tableSet) this.#found.keepsHiddenState = true;
        break;
      case OP.selectTyped:
        if (!this.#valueTypes(this.#leb())) return false;
        break;
      case OP.memorySize:
      case OP.memoryGrow:
        this.#leb();
        this.#found.sites.push({ at: from, end: this.#at, op: opcode === OP.memoryGrow ? 'grow' : 'size' });
        break;
      case OP.f32Const:
        this.#at += 4;
        break;
      case OP.f64Const:
        this.#at += 8;
        break;
      case OP.bulkPrefix:
        return this.#bulk(this.#leb(), from);
      case OP.vectorPrefix:
        return this.#vector(this.#leb());
      case OP.atomicPrefix:
        return this.#atomic(this.#leb());
      default:
        return false;
    }
    this.#cost?.plain(opcode);
    return true;
  }

  #bulk(operation: number, from: number): boolean {
    const operands = BULK_OPERANDS[operation];
    if (operands === undefined) return false;
    this.#lebs(operands);
    this.#cost?.bulk(operation);
    if (WRITES_HIDDEN_STATE.has(operation)) this.#found.keepsHiddenState = true;
    if (operation >= BULK.tableInit) this.#found.usesReferences = true;
    if (operation === BULK.tableGrow) this.#found.growsTables = true;
    if (TAKES_LENGTH.has(operation) && this.#shortLengthAt !== from) {
      this.#found.sites.push({ at: from, end: from, op: 'check' });
    }
    return true;
  }

  #vector(operation: number): boolean {
    this.#cost?.vector(operation);
    if (
      operation <= VECTOR.v128Store ||
      operation === VECTOR.v128Load32Zero ||
      operation === VECTOR.v128Load64Zero
    )
      this.#memarg();
    else if (operation === VECTOR.v128Const || operation === VECTOR.i8x16Shuffle) this.#at += 16;
    else if (operation >= VECTOR.i8x16ExtractLaneS && operation <= VECTOR.f64x2ReplaceLane) this.#at += 1;
    else if (operation >= VECTOR.v128Load8Lane && operation <= VECTOR.v128Store64Lane) {
      this.#memarg();
      this.#at += 1;
    }
    return operation <= VECTOR.last;
  }

  #atomic(operation: number): boolean {
    this.#cost?.atomic();
    const isAccess = operation >= ATOMIC.firstAccess && operation <= ATOMIC.lastAccess;
    if (operation === ATOMIC.fence) this.#at += 1;
    else if (operation <= ATOMIC.wait64 || isAccess) this.#memarg();
    else return false;
    return true;
  }

  /** Skips value types. Returns false when one of them is unknown. */
  #valueTypes(count: number): boolean {
    for (let left = count; left > 0; left--) {
      if (!VALUE_TYPES.has(this.#bytes[this.#at++] ?? 0)) return false;
    }
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
