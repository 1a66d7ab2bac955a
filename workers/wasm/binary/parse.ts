import {
  readBody,
  readExport,
  readGlobal,
  readImport,
  readMemory,
  readTable,
  readTag,
  readType,
} from './entries.js';
import type { ParsedModule } from './module.js';
import { ByteReader, malformed } from './reader.js';
import { checkHeader, readSections, SECTION } from './sections.js';

/**
 * Parses a module except for instructions and data. Throws only `invalid_module`, for any input, in
 * time and memory linear in the size of the input. Checks what the rewriter depends on; V8
 * validates the rest.
 */
export function parse(bytes: Uint8Array): ParsedModule {
  checkHeader(bytes);
  const { sections, customs } = readSections(bytes);
  const reader = (id: number) => {
    const span = sections.get(id);
    return span === undefined ? null : new ByteReader(bytes, span.start, span.end);
  };
  const types = vector(reader(SECTION.type), readType);
  const imports = vector(reader(SECTION.import), readImport);
  const module: ParsedModule = {
    bytes,
    sections,
    customs,
    types,
    imports,
    importedFunctions: imports.filter((entry) => entry.kind === 'function').length,
    importedGlobals: imports.filter((entry) => entry.kind === 'global').length,
    functions: vector(reader(SECTION.function), (r) => r.u32()),
    tables: vector(reader(SECTION.table), readTable),
    memories: vector(reader(SECTION.memory), readMemory),
    globals: vector(reader(SECTION.global), readGlobal),
    tags: vector(reader(SECTION.tag), readTag),
    exports: vector(reader(SECTION.export), readExport),
    start: reader(SECTION.start)?.u32() ?? null,
    bodies: vector(reader(SECTION.code), readBody),
  };
  if (module.functions.length !== module.bodies.length) {
    throw malformed(
      `The module declares ${module.functions.length} functions and has code for ${module.bodies.length}.`,
    );
  }
  return module;
}

function vector<T>(reader: ByteReader | null, read: (reader: ByteReader) => T): T[] {
  if (reader === null) return [];
  const items: T[] = [];
  for (let left = reader.count(); left > 0; left--) items.push(read(reader));
  if (!reader.done)
    throw malformed(`The module has a section longer than its entries, at byte ${reader.at}.`);
  return items;
}
