import { CodeWriter } from './code-writer.js';
import { BEFORE_BYTES, BEHIND_BYTES, CHUNK_SHIFT } from './marks.js';
import type { ParsedModule } from './parse.js';
import { ByteReader } from './reader.js';
import { F32, F64, I32, I64 } from './value-types.js';
import { type Value, Values } from './values.js';

/** What the code is led to; indices of functions and globals that the rewriter adds. */
export interface Targets {
  /** Bytes that the guest's memory lies behind. */
  base: number;
  grow: number;
  pages: number;
  copy: number;
  fill: number;
}

/** V8 takes no larger function, and no more locals. */
const MAX_BODY_BYTES = 7_654_321;
const MAX_LOCALS = 50_000 - 5;
/** In all functions together: a few bytes declare thousands, and each is looked at here. */
const MAX_ALL_LOCALS = 1 << 22;
/** Code that grows to more than twice its size and this is left as it is: reading it must not take memory without bound. */
const GROWTH_BYTES = 65_536;

/** How many operands the instructions without a case of their own take and give; -1 for those that are not followed. */
const TAKES = new Int8Array(256).fill(-1);
const GIVES = new Int8Array(256);
const shape = (takes: number, gives: number, ...ranges: [number, number][]) => {
  for (const [from, to] of ranges) {
    TAKES.fill(takes, from, to + 1);
    GIVES.fill(gives, from, to + 1);
  }
};
shape(0, 0, [0x01, 0x01]);
shape(1, 0, [0x1a, 0x1a]);
shape(3, 1, [0x1b, 0x1b]);
shape(0, 1, [0x43, 0x44]);
shape(2, 1, [0x46, 0x4f], [0x51, 0x66], [0x6a, 0x78], [0x7c, 0x8a], [0x92, 0x98], [0xa0, 0xa6]);
shape(1, 1, [0x45, 0x45], [0x50, 0x50], [0x67, 0x69], [0x79, 0x7b], [0x8b, 0x91], [0x99, 0x9f], [0xa7, 0xc4]);

/** Of the stores from 0x36: the type of what is stored, and how many bytes. */
const STORES: readonly [type: number, bytes: number][] = [
  [I32, 4],
  [I64, 8],
  [F32, 4],
  [F64, 8],
  [I32, 1],
  [I32, 2],
  [I64, 1],
  [I64, 2],
  [I64, 4],
];
const MAX_OFFSET = 2 ** 32 - 1;

/**
 * All function bodies, with each store followed by a mark of where it went (`marks.ts`), each access moved behind the table of
 * marks, and growing, copying and filling led to added functions. A store that goes near an address which has been marked since the
 * last label needs no mark of its own: in Go's code that is most of them. null when there is an instruction that is not
 * followed here: vectors, atomics, tables, exceptions.
 */
export function trackWrites(module: ParsedModule, targets: Targets): Uint8Array | null {
  const all = new CodeWriter();
  const tracker = new BodyTracker(module, targets);
  const span = module.bodies.reduce((sum, body) => sum + body.end - body.start, 0);
  for (let index = 0; index < module.bodies.length; index++) {
    if (!tracker.track(index)) return null;
    const { head, code } = tracker;
    const length = head.length + code.length;
    if (length > MAX_BODY_BYTES || all.length + length > 2 * span + GROWTH_BYTES) return null;
    all.u32(length);
    all.append(head.written);
    all.append(code.written);
  }
  return all.written;
}

class BodyTracker {
  /** The declarations of locals. */
  readonly head = new CodeWriter();
  readonly code = new CodeWriter();
  readonly #module: ParsedModule;
  readonly #targets: Targets;
  readonly #values = new Values();
  #reader = new ByteReader(new Uint8Array(0));
  #allLocals = 0;
  /** Of all locals of the function, the added ones too. */
  #types: number[] = [];
  #added: number[] = [];
  #address: number | null = null;
  readonly #operands = new Map<number, number>();

  constructor(module: ParsedModule, targets: Targets) {
    this.#module = module;
    this.#targets = targets;
  }

  /** Fills `head` and `code`; false when the body cannot be followed. */
  track(index: number): boolean {
    const module = this.#module;
    const body = module.bodies[index];
    const type = module.types[module.functions[index] ?? -1];
    if (body === undefined || type === undefined) return false;
    this.head.clear();
    this.code.clear();
    this.#values.forget();
    this.#types = [...type.params];
    this.#added = [];
    this.#address = null;
    this.#operands.clear();
    this.#reader = new ByteReader(module.bytes, body.start, body.end);

    const groups = this.#reader.u32();
    const declared = this.#reader.at;
    for (let left = groups; left > 0; left--) {
      const count = this.#reader.u32();
      const local = this.#reader.u8();
      this.#allLocals += count;
      if (this.#types.length + count > MAX_LOCALS || this.#allLocals > MAX_ALL_LOCALS) return false;
      for (let more = count; more > 0; more--) this.#types.push(local);
    }
    const instructions = this.#reader.at;
    while (!this.#reader.done) if (!this.#instruction()) return false;

    this.head.u32(groups + this.#added.length);
    this.head.copy(module.bytes, declared, instructions);
    for (const local of this.#added) this.head.bytes(1, local);
    return true;
  }

  #instruction(): boolean {
    const reader = this.#reader;
    const values = this.#values;
    const from = reader.at;
    const opcode = reader.u8();
    if (opcode >= 0x28 && opcode <= 0x35) {
      this.#access(opcode);
      values.pop();
      values.push(values.unknown());
      return true;
    }
    if (opcode >= 0x36 && opcode <= 0x3e) {
      this.#store(opcode);
      return true;
    }
    switch (opcode) {
      case 0x00: // unreachable
      case 0x0f: // return
        values.forgetStack();
        break;
      case 0x02: // block
      case 0x04: // if: what is known before holds in it, too
        reader.skipLeb(33);
        values.forgetStack();
        break;
      case 0x03: // loop
        reader.skipLeb(33);
        values.forget();
        break;
      case 0x05: // else
      case 0x0b: // end
        values.forget();
        break;
      case 0x0c: // br
        reader.u32();
        values.forgetStack();
        break;
      case 0x0d: // br_if
        reader.u32();
        values.pop();
        break;
      case 0x0e: // br_table
        for (let labels = reader.u32() + 1; labels > 0; labels--) reader.u32();
        values.forgetStack();
        break;
      case 0x11: // call_indirect
        reader.u32();
        this.#called();
        break;
      case 0x10: // call
        this.#called();
        break;
      case 0x20:
        values.push(values.local(reader.u32()));
        break;
      case 0x21:
        values.setLocal(reader.u32(), values.pop());
        break;
      case 0x22: {
        const value = values.pop();
        values.setLocal(reader.u32(), value);
        values.push(value);
        break;
      }
      case 0x23:
        values.push(values.global(reader.u32()));
        break;
      case 0x24:
        values.setGlobal(reader.u32(), values.pop());
        break;
      case 0x3f: // memory.size
        reader.u32();
        this.code.byte(0x23);
        this.code.u32(this.#targets.pages);
        values.push(values.unknown());
        return true;
      case 0x40: // memory.grow
        reader.u32();
        this.#call(this.#targets.grow);
        values.pop();
        values.push(values.unknown());
        return true;
      case 0x41:
      case 0x42:
        values.push(values.constant(smallConstant(reader)));
        break;
      case 0x6a: // i32.add
      case 0x7c: // i64.add
      case 0x6b: // i32.sub
      case 0x7d: {
        const b = values.pop();
        values.push(values.sum(values.pop(), b, opcode === 0x6a || opcode === 0x7c ? 1 : -1));
        break;
      }
      case 0xa7: // i32.wrap_i64
      case 0xac: // i64.extend_i32_s
      case 0xad: // i64.extend_i32_u: modulo 2^32 the same
        values.push(values.pop());
        break;
      case 0xfc:
        return this.#bulk(from);
      default: {
        const takes = TAKES[opcode] ?? -1;
        if (takes < 0) return false;
        if (opcode === 0x43) reader.take(4);
        else if (opcode === 0x44) reader.take(8);
        for (let left = takes; left > 0; left--) values.pop();
        if (GIVES[opcode] === 1) values.push(values.unknown());
      }
    }
    this.code.copy(reader.bytes, from, reader.at);
    return true;
  }

  #called(): void {
    this.#reader.u32();
    this.#values.forgetStack();
    this.#values.forgetGlobals();
  }

  #call(target: number): void {
    this.code.byte(0x10);
    this.code.u32(target);
  }

  #bulk(from: number): boolean {
    const operation = this.#reader.u32();
    if (operation <= 7) {
      // Truncations.
      this.#values.pop();
      this.#values.push(this.#values.unknown());
      this.code.copy(this.#reader.bytes, from, this.#reader.at);
      return true;
    }
    if (operation !== 10 && operation !== 11) return false;
    this.#reader.take(operation === 10 ? 2 : 1);
    this.#call(operation === 10 ? this.#targets.copy : this.#targets.fill);
    for (let operands = 3; operands > 0; operands--) this.#values.pop();
    return true;
  }

  /** A load or store with its offset moved behind the table; returns the offset it had. */
  #access(opcode: number): number {
    const alignment = this.#reader.u32();
    const offset = this.#reader.u32();
    this.code.byte(opcode);
    this.code.u32(alignment);
    // No memory is so large that this would make an address of one that was none.
    this.code.u32(Math.min(offset + this.#targets.base, MAX_OFFSET));
    return offset;
  }

  #store(opcode: number): void {
    const values = this.#values;
    const [type, bytes] = STORES[opcode - 0x36] ?? [I32, 8];
    values.pop();
    const address = values.pop();
    const offset = new ByteReader(this.#reader.bytes, this.#reader.at, this.#reader.end);
    offset.u32();
    const far = offset.u32();
    const distance = values.fromMarked(address.root, address.delta + far);
    if (distance !== null && distance >= -BEFORE_BYTES && distance + bytes <= BEHIND_BYTES) {
      this.#access(opcode);
      return;
    }
    // Marked is the address without the offset, when the store is near that: others may be on either side of it.
    const ahead = far + bytes > BEHIND_BYTES ? far : 0;
    const again = this.#again(address, ahead);
    if (again !== null) {
      this.#access(opcode);
      this.#mark(again);
    } else {
      const local = this.#keepAddress(type);
      this.#access(opcode);
      this.#mark(() => {
        this.#getLocal(local);
        this.#add(ahead);
      });
      values.setLocal(local, address);
    }
    values.mark(address.root, address.delta + ahead);
  }

  /** Code that makes the address once more, from a constant or a local; null when it must be kept. */
  #again(address: Value, ahead: number): (() => void) | null {
    if (address.root === 0) return () => this.code.i32Const(address.delta + ahead);
    const holder = this.#values.holder(address);
    const type = holder === null ? undefined : this.#types[holder.local];
    if (holder === null || (type !== I32 && type !== I64)) return null;
    return () => {
      this.#getLocal(holder.local);
      if (type === I64) this.code.byte(0xa7);
      this.#add(holder.delta + ahead);
    };
  }

  /** Keeps a copy of the address that lies under the operand on the stack. */
  #keepAddress(type: number): number {
    let operand = this.#operands.get(type);
    if (operand === undefined) {
      operand = this.#addLocal(type);
      this.#operands.set(type, operand);
    }
    this.#address ??= this.#addLocal(I32);
    this.code.byte(0x21);
    this.code.u32(operand);
    this.code.byte(0x22);
    this.code.u32(this.#address);
    this.#getLocal(operand);
    return this.#address;
  }

  #addLocal(type: number): number {
    this.#types.push(type);
    this.#added.push(type);
    return this.#types.length - 1;
  }

  #getLocal(local: number): void {
    this.code.byte(0x20);
    this.code.u32(local);
  }

  #add(distance: number): void {
    if (distance === 0) return;
    this.code.i32Const(distance);
    this.code.byte(0x6a);
  }

  /** i32.store8 (address >>u shift) 1 */
  #mark(address: () => void): void {
    address();
    this.code.i32Const(CHUNK_SHIFT);
    this.code.bytes(0x76, 0x41, 1, 0x3a, 0, 0);
  }
}

/** A constant of up to five bytes; NaN for others, which are beyond what counts or written in a way that numbers cannot follow. */
function smallConstant(reader: ByteReader): number {
  let value = 0;
  let factor = 1;
  for (let length = 1; ; length++) {
    const byte = reader.u8();
    value += (byte & 0x7f) * factor;
    factor *= 128;
    if (byte < 0x80) return length > 5 ? Number.NaN : (byte & 0x40) !== 0 ? value - factor : value;
  }
}
