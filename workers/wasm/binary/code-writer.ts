import { OP } from './opcodes.js';

/** Appends instructions to one growing buffer, without allocating an object per instruction. */
export class CodeWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity = 1 << 16) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** The bytes written so far; valid until more is written. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  byte(value: number): void {
    this.#ensure(1);
    this.#bytes[this.#length++] = value;
  }

  bytes(...values: number[]): void {
    for (const value of values) this.byte(value);
  }

  /** Writes an unsigned LEB128. */
  u32(value: number): void {
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 128)) this.byte((rest % 128) | 0x80);
    this.byte(rest);
  }

  /** `i32.const value` */
  i32Const(value: number): void {
    this.byte(OP.i32Const);
    let rest = value | 0;
    for (; rest < -64 || rest > 63; rest >>= 7) this.byte((rest & 0x7f) | 0x80);
    this.byte(rest & 0x7f);
  }

  /** Copies a part of other code. */
  copy(source: Uint8Array, from: number, to: number): void {
    this.#ensure(to - from);
    const bytes = this.#bytes;
    let at = this.#length;
    // Instructions are short, and calling `set` costs more than copying their bytes.
    if (to - from > 64) bytes.set(source.subarray(from, to), at);
    else for (let next = from; next < to; next++) bytes[at++] = source[next] ?? 0;
    this.#length += to - from;
  }

  append(other: Uint8Array): void {
    this.copy(other, 0, other.length);
  }

  #ensure(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    larger.set(this.written);
    this.#bytes = larger;
  }
}
