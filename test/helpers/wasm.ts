import { concat, name, section, u32, vector } from '../../workers/wasm/binary/writer.js';

/**
 * A handwritten module, for structures that no compiler produces. Each part consists of raw bytes
 * of the binary format.
 */
export interface HandMade {
  /** `[params, results]` as value type bytes. */
  types?: [number[], number[]][];
  imports?: { module: string; name: string; description: number[] }[];
  /** Type index and code (locals and instructions without the final `end`) of each function. */
  functions?: { type: number; code: number[] }[];
  tables?: number[][];
  memories?: number[][];
  globals?: number[][];
  exports?: { name: string; kind: number; index: number }[];
  start?: number;
  elements?: number[][];
}

export const I32 = 0x7f;
export const I64 = 0x7e;
export const FUNCTION = 0;
export const MEMORY = 2;

export function handMade(made: HandMade): Uint8Array {
  const raw = (bytes: number[]) => Uint8Array.from(bytes);
  const parts: Uint8Array[] = [raw([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])];
  const add = (id: number, items: Uint8Array[] | undefined) => {
    if (items !== undefined && items.length > 0) parts.push(section(id, vector(items)));
  };
  add(
    1,
    made.types?.map(([params, results]) => raw([0x60, params.length, ...params, results.length, ...results])),
  );
  add(
    2,
    made.imports?.map((entry) => concat([name(entry.module), name(entry.name), raw(entry.description)])),
  );
  add(
    3,
    made.functions?.map(({ type }) => u32(type)),
  );
  add(4, made.tables?.map(raw));
  add(5, made.memories?.map(raw));
  add(6, made.globals?.map(raw));
  add(
    7,
    made.exports?.map((entry) => concat([name(entry.name), raw([entry.kind]), u32(entry.index)])),
  );
  if (made.start !== undefined) parts.push(section(8, u32(made.start)));
  add(9, made.elements?.map(raw));
  add(
    10,
    made.functions?.map(({ code }) => concat([u32(code.length + 1), raw(code), raw([0x0b])])),
  );
  return concat(parts);
}

/**
 * Creates a command with a memory of one page that does nothing; the given parts are added or
 * replaced.
 */
export function command(given: HandMade = {}): HandMade {
  return {
    types: [[[], []]],
    functions: [{ type: 0, code: [0] }],
    memories: [[0, 1]],
    exports: [
      { name: '_start', kind: FUNCTION, index: 0 },
      { name: 'memory', kind: MEMORY, index: 0 },
    ],
    ...given,
  };
}
