import { ByteReader } from './reader.js';
import { SECTION } from './sections.js';

const HEADER_BYTES = 8;
const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(SECTION).map(([name, id]) => [id, name === 'dataCount' ? 'data count' : name]),
);

/**
 * Describes the position of a byte in a module for an error message: its section, and in the code
 * section the function, counted from 0 without imported ones. The module may be invalid.
 */
export function placeOf(wasm: Uint8Array, at: number): string {
  if (at < HEADER_BYTES) return 'the header';
  const reader = new ByteReader(wasm, HEADER_BYTES);
  try {
    while (!reader.done && reader.at <= at) {
      const id = reader.u8();
      const end = reader.u32() + reader.at;
      if (at < end) return inSection(reader, id, at);
      reader.at = end;
    }
  } catch {
    // The section sizes themselves are invalid.
  }
  return 'the list of sections';
}

function inSection(reader: ByteReader, id: number, at: number): string {
  const section = `the ${NAMES.get(id) ?? 'unknown'} section`;
  if (id !== SECTION.code) return section;
  const count = reader.u32();
  for (let index = 0; index < count && reader.at <= at; index++) {
    const end = reader.u32() + reader.at;
    if (at < end) return `${section}, in function ${index}`;
    reader.at = end;
  }
  return section;
}
