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
 * V8's limits of the entries of a section. Checked before the entries are read: those of 10 million
 * types take a gigabyte of heap and 17 s.
 */
const MANY = 1_000_000;
const FEWER = 100_000;

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
  const types = vector(reader(SECTION.type), 'types', readType);
  const imports = vector(reader(SECTION.import), 'imports', readImport);
  const module: ParsedModule = {
    bytes,
    sections,
    customs,
    types,
    imports,
    importedFunctions: imports.filter((entry) => entry.kind === 'function').length,
    importedGlobals: imports.filter((entry) => entry.kind === 'global').length,
    functions: vector(reader(SECTION.function), 'functions', (r) => r.u32()),
    tables: vector(reader(SECTION.table), 'tables', readTable, FEWER),
    memories: vector(reader(SECTION.memory), 'memories', readMemory, FEWER),
    globals: vector(reader(SECTION.global), 'globals', readGlobal),
    tags: vector(reader(SECTION.tag), 'tags', readTag),
    exports: vector(reader(SECTION.export), 'exports', readExport),
    start: reader(SECTION.start)?.u32() ?? null,
    bodies: vector(reader(SECTION.code), 'functions', readBody),
  };
  if (module.functions.length !== module.bodies.length) {
    throw malformed(
      `The module declares ${module.functions.length} functions and has code for ${module.bodies.length}.`,
    );
  }
  return module;
}

function vector<T>(
  reader: ByteReader | null,
  what: string,
  read: (reader: ByteReader) => T,
  most = MANY,
): T[] {
  if (reader === null) return [];
  const count = reader.count();
  if (count > most) throw malformed(`The module has ${count} ${what}; at most ${most} are allowed.`);
  const items: T[] = [];
  for (let left = count; left > 0; left--) items.push(read(reader));
  if (!reader.done)
    throw malformed(`The module has a section longer than its entries, at byte ${reader.at}.`);
  return items;
}
