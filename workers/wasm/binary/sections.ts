import type { ByteRange } from './module.js';
import { ByteReader, malformed } from './reader.js';

/** The section ids of the binary format (§5.5.2). */
export const SECTION = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
  tag: 13,
} as const;

/** The required order of sections, which differs from that of their ids. */
export const SECTION_ORDER: readonly number[] = [
  SECTION.type,
  SECTION.import,
  SECTION.function,
  SECTION.table,
  SECTION.memory,
  SECTION.tag,
  SECTION.global,
  SECTION.export,
  SECTION.start,
  SECTION.element,
  SECTION.dataCount,
  SECTION.code,
  SECTION.data,
];

/** Throws `invalid_module` unless the bytes begin as those of a module do (§5.5.16). */
export function checkHeader(bytes: Uint8Array): void {
  const header = Array.from(bytes.subarray(0, 8));
  if (header.slice(0, 4).join() !== '0,97,115,109') {
    throw malformed('The file is no WebAssembly module: it does not begin with "\\0asm".');
  }
  if (header[6] === 1) {
    throw malformed('The file is a WebAssembly component; build a plain module (target wasm32-wasip1).');
  }
  if (header.slice(4).join() !== '1,0,0,0') {
    throw malformed('The module has a version of the binary format other than 1.');
  }
}

/** Returns the range of each section, and the names of the custom sections. */
export function readSections(bytes: Uint8Array): {
  sections: Map<number, ByteRange>;
  customs: string[];
} {
  const sections = new Map<number, ByteRange>();
  const customs: string[] = [];
  const reader = new ByteReader(bytes, 8);
  let place = -1;
  while (!reader.done) {
    const id = reader.u8();
    const length = reader.u32();
    const start = reader.at;
    reader.take(length);
    if (id === SECTION.custom) {
      customs.push(new ByteReader(bytes, start, reader.at).name());
      continue;
    }
    const order = SECTION_ORDER.indexOf(id);
    if (order < 0) throw malformed(`The module has a section of unknown kind ${id}.`);
    if (order <= place) throw malformed(`The module's section ${id} is out of order or there twice.`);
    place = order;
    sections.set(id, { start, end: reader.at });
  }
  return { sections, customs };
}
