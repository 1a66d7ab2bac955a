import { CodeWriter } from '../binary/code-writer.js';
import type { ParsedModule } from '../binary/parse.js';
import { ByteReader } from '../binary/reader.js';
import { GIVES, TAKES } from '../binary/stack-shapes.js';
import { BarrierStores } from './barrier-stores.js';
import { Locals } from './locals.js';
import { SymbolicValues } from './symbolic-values.js';

/** What the code is led to; indices of functions and globals that the rewriter adds. */
export interface Targets {
  /** Bytes that the guest's memory lies behind. */
  base: number;
  grow: number;
  pages: number;
  copy: number;
  fill: number;
}

/** V8 takes no larger function. */
const MAX_BODY_BYTES = 7_654_321;
/** Code that grows to more than twice its size and this is left as it is: reading it must not take memory without bound. */
const GROWTH_BYTES = 65_536;

/**
 * All function bodies, with each store followed by a mark of where it went (`marks.ts`), each access moved behind the table of
 * marks, and growing, copying and filling led to added functions. A store that goes near an address which has been marked since the
 * last label needs no mark of its own: in Go's code that is most of them. null when there is an instruction that is not
 * followed here: vectors, atomics, tables, exceptions.
 */
export function insertWriteBarriers(module: ParsedModule, targets: Targets): Uint8Array | null {
  const span = module.bodies.reduce((sum, body) => sum + body.end - body.start, 0);
  const all = new CodeWriter(span);
  const tracker = new BodyTracker(module, targets);
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
  readonly #values = new SymbolicValues();
  readonly #locals = new Locals();
  readonly #stores: BarrierStores;
  #reader = new ByteReader(new Uint8Array(0));
  /** Up to here instructions are in `code`. */
  #copied = 0;

  constructor(module: ParsedModule, targets: Targets) {
    this.#module = module;
    this.#targets = targets;
    this.#stores = new BarrierStores(this.code, this.#values, this.#locals, targets.base);
  }

  /** Fills `head` and `code`; false when the body cannot be followed. */
  track(index: number): boolean {
    const { bytes, bodies, types, functions } = this.#module;
    const body = bodies[index];
    const type = types[functions[index] ?? -1];
    if (body === undefined || type === undefined) return false;
    const reader = new ByteReader(bytes, body.start, body.end);
    this.#reader = reader;
    this.head.clear();
    this.code.clear();
    this.#values.begin();
    this.#locals.begin(type.params);

    const groups = reader.u32();
    const declared = reader.at;
    for (let left = groups; left > 0; left--) {
      if (!this.#locals.declare(reader.u32(), reader.u8())) return false;
    }
    const instructions = reader.at;
    this.#copied = instructions;
    while (!reader.done) if (!this.#instruction()) return false;
    this.#replaced(reader.at);
    this.#locals.write(this.head, groups, bytes, declared, instructions);
    return true;
  }

  /** Copies what comes before an instruction that is replaced; it has been read. */
  #replaced(from: number): void {
    this.code.copy(this.#reader.bytes, this.#copied, from);
    this.#copied = this.#reader.at;
  }

  #instruction(): boolean {
    const reader = this.#reader;
    const values = this.#values;
    const from = reader.at;
    const opcode = reader.u8();
    switch (opcode) {
      case 0x00: // unreachable
      case 0x0f: // return
        values.forgetStack();
        return true;
      case 0x02: // block
      case 0x04: // if: what is known before holds in it, too
        reader.skipLeb(33);
        values.forgetStack();
        return true;
      case 0x03: // loop
        reader.skipLeb(33);
        values.forget();
        return true;
      case 0x05: // else
      case 0x0b: // end
        values.forget();
        return true;
      case 0x0c: // br
        reader.u32();
        values.forgetStack();
        return true;
      case 0x0d: // br_if
        reader.u32();
        values.drop();
        return true;
      case 0x0e: // br_table
        for (let labels = reader.u32() + 1; labels > 0; labels--) reader.u32();
        values.forgetStack();
        return true;
      case 0x11: // call_indirect
        reader.u32();
        return this.#called();
      case 0x10: // call
        return this.#called();
      case 0x20: // local.get
        values.push(values.local(reader.u32()));
        return true;
      case 0x21: // local.set
        values.setLocal(reader.u32(), values.pop());
        return true;
      case 0x22: {
        // local.tee
        const value = values.pop();
        values.setLocal(reader.u32(), value);
        values.push(value);
        return true;
      }
      case 0x23: // global.get
        values.push(values.global(reader.u32()));
        return true;
      case 0x24: // global.set
        values.setGlobal(reader.u32(), values.pop());
        return true;
      case 0x3f: // memory.size
        reader.u32();
        this.#replaced(from);
        this.code.byte(0x23);
        this.code.u32(this.#targets.pages);
        values.push(values.unknown());
        return true;
      case 0x40: // memory.grow
        reader.u32();
        return this.#ledTo(this.#targets.grow, from, 1, 1);
      case 0x41: // i32.const
      case 0x42: // i64.const
        values.push(values.constant(smallConstant(reader)));
        return true;
      case 0x6a: // i32.add
      case 0x7c: // i64.add
      case 0x6b: // i32.sub
      case 0x7d: {
        // i64.sub
        const second = values.pop();
        values.push(values.sum(values.pop(), second, opcode === 0x6a || opcode === 0x7c ? 1 : -1));
        return true;
      }
      case 0xa7: // i32.wrap_i64
      case 0xac: // i64.extend_i32_s
      case 0xad: // i64.extend_i32_u: modulo 2^32 the same
        values.push(values.pop());
        return true;
      case 0xfc:
        return this.#bulk(from);
      default:
        return this.#other(opcode, from);
    }
  }

  #other(opcode: number, from: number): boolean {
    const reader = this.#reader;
    if (opcode >= 0x28 && opcode <= 0x3e) {
      // The reader must be behind it, and has to read it first.
      this.code.copy(reader.bytes, this.#copied, from);
      if (opcode <= 0x35) {
        this.#stores.load(opcode, reader);
        this.#through(1, 1);
      } else this.#stores.store(opcode, reader);
      this.#copied = reader.at;
      return true;
    }
    const takes = TAKES[opcode] ?? -1;
    if (takes < 0) return false;
    if (opcode === 0x43) reader.take(4);
    else if (opcode === 0x44) reader.take(8);
    return this.#through(takes, GIVES[opcode] ?? 0);
  }

  /** Operands that come to something unknown. */
  #through(takes: number, gives: number): true {
    for (let left = takes; left > 0; left--) this.#values.drop();
    if (gives === 1) this.#values.push(this.#values.unknown());
    return true;
  }

  #called(): true {
    this.#reader.u32();
    this.#values.forgetStack();
    this.#values.forgetGlobals();
    return true;
  }

  #ledTo(target: number, from: number, takes: number, gives: number): true {
    this.#replaced(from);
    this.code.byte(0x10);
    this.code.u32(target);
    return this.#through(takes, gives);
  }

  #bulk(from: number): boolean {
    const operation = this.#reader.u32();
    if (operation <= 7) return this.#through(1, 1); // truncations
    if (operation !== 10 && operation !== 11) return false;
    this.#reader.take(operation === 10 ? 2 : 1);
    return this.#ledTo(operation === 10 ? this.#targets.copy : this.#targets.fill, from, 3, 0);
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
