import { OP } from './opcodes.js';

/** The encodings that the rewriter emits. */
const utf8 = new TextEncoder();

/** Concatenates byte arrays. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Encodes an unsigned LEB128. */
export function u32(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low | 0x80 : low);
  } while (rest > 0);
  return Uint8Array.from(bytes);
}

/** `i32.const value` */
export function i32Const(value: number): Uint8Array {
  return constant(OP.i32Const, BigInt(value | 0));
}

/** Encodes a name (§5.2.4). */
export function name(text: string): Uint8Array {
  const bytes = utf8.encode(text);
  return concat([u32(bytes.length), bytes]);
}

/** Encodes limits (§5.3.7). */
export function limits(min: number, max: number | null): Uint8Array {
  return concat(max === null ? [Uint8Array.of(0), u32(min)] : [Uint8Array.of(1), u32(min), u32(max)]);
}

/** Encodes a vector of elements that are already encoded. */
export function vector(items: readonly Uint8Array[]): Uint8Array {
  return concat([u32(items.length), ...items]);
}

/** Encodes a section (§5.5.2). */
export function section(id: number, payload: Uint8Array): Uint8Array {
  return concat([Uint8Array.of(id), u32(payload.length), payload]);
}

/** `i64.const value` */
export function i64Const(value: bigint): Uint8Array {
  return constant(OP.i64Const, BigInt.asIntN(64, value));
}

/** Encodes an instruction and its argument, a signed LEB128. */
function constant(opcode: number, value: bigint): Uint8Array {
  const bytes = [opcode];
  let rest = value;
  for (; rest < -64n || rest > 63n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Uint8Array.of(...bytes, Number(rest & 0x7fn));
}
