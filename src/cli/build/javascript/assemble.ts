// Embeds a program in the engine's module: its bytecode becomes a data segment placed after
// QuickJS's initial memory.

import { WASM_PAGE_BYTES } from '../../../contract/limits.js';

const SECTION = { memory: 5, data: 11 } as const;
const I32_CONST = 0x41;
const END = 0x0b;
const HEADER_BYTES = 8;

/**
 * Returns the module of a function: the engine with the bytecode of the runtime and of the
 * function, in the layout that engine/glue.as.ts reads.
 */
export function assemble(engine: Uint8Array, runtime: Uint8Array, program: Uint8Array): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(runtime.length, 0);
  header.writeUInt32LE(program.length, 4);
  const content = Buffer.concat([header, runtime, program]);

  let pages = 0;
  const parts: Uint8Array[] = [engine.subarray(0, 8)];
  for (let at = 8; at < engine.length; ) {
    const id = engine[at] ?? 0;
    const { value: size, next } = readU32(engine, at + 1);
    const payload = engine.subarray(next, next + size);
    at = next + size;
    if (id === SECTION.memory) {
      // The module has one memory without a maximum, so its count and flags take one byte each.
      pages = readU32(payload, 2).value;
      const needed = pages + Math.ceil(content.length / WASM_PAGE_BYTES);
      parts.push(section(id, Buffer.concat([Buffer.of(1, 0), u32(needed)])));
    } else if (id === SECTION.data) {
      const { value: count, next: rest } = readU32(payload, 0);
      const place = Buffer.concat([Buffer.of(0, I32_CONST), s32(pages * WASM_PAGE_BYTES), Buffer.of(END)]);
      const segment = Buffer.concat([place, u32(content.length), content]);
      parts.push(section(id, Buffer.concat([u32(count + 1), payload.subarray(rest), segment])));
    } else parts.push(section(id, payload));
  }
  return Buffer.concat(parts);
}

function section(id: number, payload: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.of(id), u32(payload.length), payload]);
}

function readU32(bytes: Uint8Array, from: number): { value: number; next: number } {
  let value = 0;
  let next = from;
  for (let factor = 1; ; factor *= 128) {
    const byte = bytes[next++] ?? 0;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return { value, next };
  }
}

function u32(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.of(...bytes, rest);
    bytes.push((rest & 0x7f) | 0x80);
  }
}

function s32(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7) {
    const isLast = rest >> 6 === 0 || rest >> 6 === -1;
    bytes.push((rest & 0x7f) | (isLast ? 0 : 0x80));
    if (isLast) return Uint8Array.from(bytes);
  }
}
