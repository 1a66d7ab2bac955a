import { WASM_PAGE_BYTES } from '../../../src/contract/limits.js';
import { initialMemory } from '../binary/data-segments.js';
import type { ParsedModule } from '../binary/module.js';
import type { GoTable } from './go-shape.js';

/**
 * The start of the program counter table of Go 1.20 and later (runtime/symtab.go, `pcHeader`):
 * magic, two zero bytes, the instruction size quantum (1) and the pointer size (8). Stripped
 * programs have it as well, because tracebacks need it.
 */
const HEADER = Uint8Array.of(0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8);
/** Offsets in the header. */
const COUNT = 8;
const NAMES = 32;
const FUNCTIONS = 64;
const HEADER_BYTES = 72;
/**
 * The size of an entry of the function table: the function's position and the offset of its
 * description. The second field of the description is the name.
 */
const ENTRY_BYTES = 8;
const NAME_OFFSET = 4;
/**
 * A function of every program that wraps an import: its position must match the import that it
 * wraps.
 */
const ANCHOR = { name: 'runtime.random_get', wraps: 'wasi_snapshot_preview1.random_get' };
/**
 * Entries are table indexes; before Go 1.24 they are program counters with the table index in the
 * upper half.
 */
const BLOCK_BITS = 16;

/**
 * Returns the indexes of a Go module's functions by name; null when its function table cannot be
 * read.
 */
export function goFunctions(module: ParsedModule, table: GoTable): Map<string, number> | null {
  const bytes = initialMemory(module, (module.memories[0]?.min ?? 0) * WASM_PAGE_BYTES);
  if (bytes === null) return null;
  const memory = Buffer.from(bytes.buffer);
  for (let at = memory.indexOf(HEADER); at >= 0; at = memory.indexOf(HEADER, at + 1)) {
    const entries = readEntries(memory, at, module.bodies.length);
    const anchor = entries?.get(ANCHOR.name);
    if (entries === null || anchor === undefined) continue;
    const shift = [0, BLOCK_BITS].find((bits) => table.wraps.get(anchor >>> bits) === ANCHOR.wraps);
    if (shift === undefined) continue;
    const functions = new Map<string, number>();
    for (const [name, entry] of entries) {
      const index = table.functionAt.get(entry >>> shift);
      if (index !== undefined) functions.set(name, index);
    }
    return functions;
  }
  return null;
}

/** Returns the entries by function name; null when there is no valid table at this position. */
function readEntries(memory: Buffer, at: number, most: number): Map<string, number> | null {
  const word = (offset: number) => {
    const from = at + offset;
    return from + 8 <= memory.length ? Number(memory.readBigUInt64LE(from)) : Number.NaN;
  };
  const count = word(COUNT);
  const names = at + word(NAMES);
  const functions = at + word(FUNCTIONS);
  if (!(at + HEADER_BYTES <= memory.length && count <= most && names < memory.length)) return null;
  if (!(functions + count * ENTRY_BYTES <= memory.length)) return null;
  const entries = new Map<string, number>();
  for (let index = 0; index < count; index++) {
    const entry = functions + index * ENTRY_BYTES;
    const description = functions + memory.readUInt32LE(entry + 4) + NAME_OFFSET;
    if (description + 4 > memory.length) return null;
    const name = names + memory.readInt32LE(description);
    const end = memory.indexOf(0, name);
    if (name < 0 || end < 0) return null;
    entries.set(memory.toString('latin1', name, end), memory.readUInt32LE(entry));
  }
  return entries;
}
