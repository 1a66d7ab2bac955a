import type { CodeWriter } from '../binary/code-writer.js';
import { OP } from '../binary/opcodes.js';
import type { ByteReader } from '../binary/reader.js';
import { F32, F64, I32, I64 } from '../binary/value-types.js';
import { BEHIND_BYTES, CARD_SHIFT } from './dirty-cards.js';
import type { Locals } from './locals.js';
import type { SymbolicValues } from './symbolic-values.js';

/** The operand type and size in bytes of each store, by opcode from `OP.i32Store`. */
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

/** Writes the loads and stores of a module whose memory is preceded by a card table. */
export class BarrierStores {
  readonly #code: CodeWriter;
  readonly #values: SymbolicValues;
  readonly #locals: Locals;
  readonly #base: number;

  constructor(code: CodeWriter, values: SymbolicValues, locals: Locals, base: number) {
    this.#code = code;
    this.#values = values;
    this.#locals = locals;
    this.#base = base;
  }

  /** Writes a load; the reader is positioned after its opcode. */
  load(opcode: number, reader: ByteReader): void {
    const alignment = reader.u32();
    this.#access(opcode, alignment, reader.u32());
  }

  /**
   * Writes a store, and a write barrier unless an earlier barrier covers the store. The reader is
   * positioned after the opcode.
   */
  store(opcode: number, reader: ByteReader): void {
    const values = this.#values;
    const alignment = reader.u32();
    const offset = reader.u32();
    const [type, bytes] = STORES[opcode - OP.i32Store] ?? [I32, 8];
    values.drop();
    const address = values.pop();
    if (values.isNearBarrier(address, offset, bytes)) {
      this.#access(opcode, alignment, offset);
      return;
    }
    // The barrier marks the address without the offset if the store is near it, so that the barrier
    // covers stores on both sides.
    const ahead = offset + bytes > BEHIND_BYTES ? offset : 0;
    const constant = values.constantOf(address);
    const holder = constant === null ? values.holderOf(address) : null;
    if (constant !== null) {
      this.#access(opcode, alignment, offset);
      this.#code.i32Const(constant + ahead);
    } else if (holder !== null) {
      this.#access(opcode, alignment, offset);
      this.#get(holder);
      if (this.#locals.typeOf(holder) === I64) this.#code.byte(OP.i32WrapI64);
      this.#add(values.fromLocal(address, holder) + ahead);
    } else {
      const local = this.#locals.address();
      this.#keepAddress(local, this.#locals.operand(type));
      values.setLocal(local, address);
      this.#access(opcode, alignment, offset);
      this.#get(local);
      this.#add(ahead);
    }
    this.#barrier();
    values.addBarrier(address, ahead);
  }

  #access(opcode: number, alignment: number, offset: number): void {
    this.#code.byte(opcode);
    this.#code.u32(alignment);
    // Saturation is safe: no memory is large enough to make the saturated offset a valid address.
    this.#code.u32(Math.min(offset + this.#base, MAX_OFFSET));
  }

  /** Copies the address below the operand on the stack into a local. */
  #keepAddress(address: number, operand: number): void {
    this.#code.byte(OP.localSet);
    this.#code.u32(operand);
    this.#code.byte(OP.localTee);
    this.#code.u32(address);
    this.#get(operand);
  }

  #get(local: number): void {
    this.#code.byte(OP.localGet);
    this.#code.u32(local);
  }

  #add(distance: number): void {
    if (distance === 0) return;
    this.#code.i32Const(distance);
    this.#code.byte(OP.i32Add);
  }

  /** The barrier: i32.store8 (address >>u shift) 1 */
  #barrier(): void {
    this.#code.i32Const(CARD_SHIFT);
    this.#code.bytes(OP.i32ShrU, OP.i32Const, 1, OP.i32Store8, 0, 0);
  }
}
