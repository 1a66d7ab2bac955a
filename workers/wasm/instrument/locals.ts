import type { CodeWriter } from '../binary/code-writer.js';
import { I32 } from '../binary/value-types.js';

/** V8's limit of locals per function, minus the five that may be added. */
const MAX_LOCALS = 50_000 - 5;
/**
 * The limit for all functions together: a few bytes can declare thousands of locals, and each is
 * processed here.
 */
const MAX_ALL_LOCALS = 1 << 22;

/** The types of a function's locals, including added ones. */
export class Locals {
  readonly #types: number[] = [];
  #count = 0;
  #all = 0;
  #added: number[] = [];
  #address: number | null = null;
  readonly #operands = new Map<number, number>();

  begin(parameters: readonly number[]): void {
    this.#count = 0;
    this.#added = [];
    this.#address = null;
    this.#operands.clear();
    for (const type of parameters) this.#push(type);
  }

  /** Declares locals. Returns false when there are too many. */
  declare(count: number, type: number): boolean {
    this.#all += count;
    if (this.#count + count > MAX_LOCALS || this.#all > MAX_ALL_LOCALS) return false;
    for (let more = count; more > 0; more--) this.#push(type);
    return true;
  }

  typeOf(local: number): number | undefined {
    return this.#types[local];
  }

  /** Returns an added local for an address. */
  address(): number {
    this.#address ??= this.#add(I32);
    return this.#address;
  }

  /** Returns an added local for an operand of this type. */
  operand(type: number): number {
    let local = this.#operands.get(type);
    if (local === undefined) {
      local = this.#add(type);
      this.#operands.set(type, local);
    }
    return local;
  }

  /** Writes the declarations: first those of the source, then the added ones. */
  write(head: CodeWriter, groups: number, source: Uint8Array, from: number, to: number): void {
    head.u32(groups + this.#added.length);
    head.copy(source, from, to);
    for (const type of this.#added) {
      head.byte(1);
      head.byte(type);
    }
  }

  #add(type: number): number {
    this.#added.push(type);
    return this.#push(type);
  }

  #push(type: number): number {
    this.#types[this.#count] = type;
    return this.#count++;
  }
}
