import { AppError } from '../../../src/errors.js';

/** Creates the error for an invalid module; its message is returned to the deploying client. */
export function malformed(sentence: string): AppError {
  return new AppError('invalid_module', sentence);
}

/**
 * Reads WebAssembly encodings from untrusted bytes: every read is bounds-checked, and reading past
 * the end throws `invalid_module`.
 */
export class ByteReader {
  constructor(
    readonly bytes: Uint8Array,
    public at = 0,
    readonly end = bytes.length,
  ) {}

  get done(): boolean {
    return this.at >= this.end;
  }

  u8(): number {
    const byte = this.at < this.end ? this.bytes[this.at] : undefined;
    if (byte === undefined) throw malformed(`The module is cut off at byte ${this.at}.`);
    this.at++;
    return byte;
  }

  /** Reads an unsigned LEB128 of 32 bits. */
  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      if (shift === 28 && byte > 0x0f) break;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw malformed(`The module has a number of more than 32 bits at byte ${this.at}.`);
  }

  /** Reads a signed LEB128 of up to 32 bits, as in `i32.const`. */
  s32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return shift < 28 && (byte & 0x40) !== 0 ? value | (-1 << (shift + 7)) : value;
    }
    throw malformed(`The module has a number of more than 32 bits at byte ${this.at}.`);
  }

  /** Skips a LEB128 of at most `bits` bits. */
  skipLeb(bits = 32): void {
    for (let read = 0; read < bits; read += 7) if (this.u8() < 0x80) return;
    throw malformed(`The module has a number of more than ${bits} bits at byte ${this.at}.`);
  }

  take(length: number): Uint8Array {
    if (length > this.end - this.at) throw malformed(`The module is cut off at byte ${this.end}.`);
    const from = this.at;
    this.at += length;
    return this.bytes.subarray(from, this.at);
  }

  /**
   * Reads the length of a vector. Each element takes at least one byte, so a length beyond the
   * remaining bytes is invalid; it is rejected before any loop.
   */
  count(): number {
    const count = this.u32();
    if (count > this.end - this.at) throw malformed(`The module is cut off: it announces ${count} entries.`);
    return count;
  }

  name(): string {
    const bytes = this.take(this.u32());
    try {
      return utf8.decode(bytes);
    } catch {
      throw malformed(`The module has a name at byte ${this.at - bytes.length} that is not UTF-8.`);
    }
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });
