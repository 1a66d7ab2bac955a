import { CodeWriter } from '../binary/code-writer.js';
import type { ParsedModule } from '../binary/module.js';
import { BULK, OP } from '../binary/opcodes.js';
import { ByteReader } from '../binary/reader.js';
import { POPS, PUSHES } from '../binary/stack-shapes.js';
import { BarrierStores } from './barrier-stores.js';
import { Locals } from './locals.js';
import { SymbolicValues } from './symbolic-values.js';

/** The indexes of the added functions and globals that the code uses. */
export interface Targets {
  /** The size of the card table, which precedes the guest's memory, in bytes. */
  base: number;
  grow: number;
  pages: number;
  copy: number;
  fill: number;
}

/** V8's limit of the size of a function. */
const MAX_BODY_BYTES = 7_654_321;
/**
 * Code that grows beyond twice its size plus this is left unchanged, so that rewriting takes a
 * bounded amount of memory.
 */
const GROWTH_BYTES = 65_536;

/**
 * Rewrites all function bodies: adds a write barrier after each store (`dirty-cards.ts`), moves
 * each access behind the card table, and replaces memory.grow, memory.copy and memory.fill by calls
 * of added functions. A store near an address that has had a barrier since the last label needs
 * none; in Go's code these are most stores. Returns null when the code has an instruction that is
 * not supported here (vectors, atomics, tables, exceptions), or becomes too large.
 */
export function insertWriteBarriers(module: ParsedModule, targets: Targets): Uint8Array | null {
  const span = module.bodies.reduce((sum, body) => sum + body.end - body.start, 0);
  const all = new CodeWriter(span);
  const rewriter = new BodyRewriter(module, targets);
  for (let index = 0; index < module.bodies.length; index++) {
    if (!rewriter.rewrite(index)) return null;
    const { head, code } = rewriter;
    const length = head.length + code.length;
    if (length > MAX_BODY_BYTES || all.length + length > 2 * span + GROWTH_BYTES) return null;
    all.u32(length);
    all.append(head.written);
    all.append(code.written);
  }
  return all.written;
}

class BodyRewriter {
  /** The local declarations. */
  readonly head = new CodeWriter();
  readonly code = new CodeWriter();
  readonly #module: ParsedModule;
  readonly #targets: Targets;
  readonly #values = new SymbolicValues();
  readonly #locals = new Locals();
  readonly #stores: BarrierStores;
  #reader = new ByteReader(new Uint8Array(0));
  /** Instructions before this position have been written to `code`. */
  #copied = 0;

  constructor(module: ParsedModule, targets: Targets) {
    this.#module = module;
    this.#targets = targets;
    this.#stores = new BarrierStores(this.code, this.#values, this.#locals, targets.base);
  }

  /** Writes a body to `head` and `code`. Returns false when the body cannot be analysed. */
  rewrite(index: number): boolean {
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

  /** Copies the instructions before the one that was just read and is being replaced. */
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
      case OP.unreachable:
      case OP.return:
        values.forgetStack();
        return true;
      case OP.block:
      case OP.if: // Values known before the block hold inside as well.
        reader.skipLeb(33);
        values.forgetStack();
        return true;
      case OP.loop:
        reader.skipLeb(33);
        values.forget();
        return true;
      case OP.else:
      case OP.end:
        values.forget();
        return true;
      case OP.br:
        reader.u32();
        values.forgetStack();
        return true;
      case OP.brIf:
        reader.u32();
        values.drop();
        return true;
      case OP.brTable:
        for (let labels = reader.u32() + 1; labels > 0; labels--) reader.u32();
        values.forgetStack();
        return true;
      case OP.callIndirect:
        reader.u32();
        return this.#called();
      case OP.call:
        return this.#called();
      case OP.localGet:
        values.push(values.local(reader.u32()));
        return true;
      case OP.localSet:
        values.setLocal(reader.u32(), values.pop());
        return true;
      case OP.localTee: {
        const value = values.pop();
        values.setLocal(reader.u32(), value);
        values.push(value);
        return true;
      }
      case OP.globalGet:
        values.push(values.global(reader.u32()));
        return true;
      case OP.globalSet:
        values.setGlobal(reader.u32(), values.pop());
        return true;
      case OP.memorySize:
        reader.u32();
        this.#replaced(from);
        this.code.byte(OP.globalGet);
        this.code.u32(this.#targets.pages);
        values.push(values.unknown());
        return true;
      case OP.memoryGrow:
        reader.u32();
        return this.#callInstead(this.#targets.grow, from, 1, 1);
      case OP.i32Const:
      case OP.i64Const:
        values.push(values.constant(smallConstant(reader)));
        return true;
      case OP.i32Add:
      case OP.i64Add:
      case OP.i32Sub:
      case OP.i64Sub: {
        const second = values.pop();
        values.push(values.sum(values.pop(), second, opcode === OP.i32Add || opcode === OP.i64Add ? 1 : -1));
        return true;
      }
      case OP.i32WrapI64:
      case OP.i64ExtendI32S:
      case OP.i64ExtendI32U: // Identical modulo 2^32.
        values.push(values.pop());
        return true;
      case OP.bulkPrefix:
        return this.#bulk(from);
      default:
        return this.#other(opcode, from);
    }
  }

  #other(opcode: number, from: number): boolean {
    const reader = this.#reader;
    if (opcode >= OP.i32Load && opcode <= OP.i64Store32) {
      // The operands are read before the instruction is written.
      this.code.copy(reader.bytes, this.#copied, from);
      if (opcode <= OP.i64Load32U) {
        this.#stores.load(opcode, reader);
        this.#through(1, 1);
      } else this.#stores.store(opcode, reader);
      this.#copied = reader.at;
      return true;
    }
    const pops = POPS[opcode] ?? -1;
    if (pops < 0) return false;
    if (opcode === OP.f32Const) reader.take(4);
    else if (opcode === OP.f64Const) reader.take(8);
    return this.#through(pops, PUSHES[opcode] ?? 0);
  }

  /** Pops operands and pushes unknown results. */
  #through(pops: number, pushes: number): true {
    for (let left = pops; left > 0; left--) this.#values.drop();
    if (pushes === 1) this.#values.push(this.#values.unknown());
    return true;
  }

  #called(): true {
    this.#reader.u32();
    this.#values.forgetStack();
    this.#values.forgetGlobals();
    return true;
  }

  #callInstead(target: number, from: number, pops: number, pushes: number): true {
    this.#replaced(from);
    this.code.byte(OP.call);
    this.code.u32(target);
    return this.#through(pops, pushes);
  }

  #bulk(from: number): boolean {
    const operation = this.#reader.u32();
    if (operation < BULK.memoryInit) return this.#through(1, 1); // saturating truncations
    if (operation !== BULK.memoryCopy && operation !== BULK.memoryFill) return false;
    this.#reader.take(operation === BULK.memoryCopy ? 2 : 1);
    return this.#callInstead(
      operation === BULK.memoryCopy ? this.#targets.copy : this.#targets.fill,
      from,
      3,
      0,
    );
  }
}

/**
 * Reads a constant of up to five bytes. Returns NaN for longer ones, which are either too large to
 * track or not in the shortest encoding.
 */
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
