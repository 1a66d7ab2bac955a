import { readElements } from './element-segments.js';
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
import type { FunctionType, ParsedModule } from './module.js';
import { ByteReader, malformed } from './reader.js';
import { checkHeader, readSections, SECTION } from './sections.js';

/**
 * The limits of the entries of a section. Checked before the entries are read. Those of functions,
 * tables and memories are V8's. V8 compares each type with those before it, and values with one
 * another, without a check for interrupts: 20,000 types of 12 values take it seconds on Node 20.
 * Exports and globals take memory in each instance. The largest of 40 public modules has 120 types
 * with 610 values, 450 exports and 90 imports.
 */
const MAX = {
  types: 2000,
  imports: 10_000,
  functions: 1_000_000,
  tables: 100_000,
  memories: 100_000,
  globals: 100_000,
  tags: 1000,
  exports: 10_000,
  'element segments': 100_000,
} as const;
/** The limit of the parameters and results of all types together. */
const MAX_TYPE_VALUES = 10_000;

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
  const types = vector(reader(SECTION.type), 'types', typeReader());
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
    tables: vector(reader(SECTION.table), 'tables', readTable),
    memories: vector(reader(SECTION.memory), 'memories', readMemory),
    globals: vector(reader(SECTION.global), 'globals', readGlobal),
    tags: vector(reader(SECTION.tag), 'tags', (r) => readTag(r, types)),
    exports: vector(reader(SECTION.export), 'exports', readExport),
    elements: vector(reader(SECTION.element), 'element segments', readElements),
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

function vector<T>(reader: ByteReader | null, what: keyof typeof MAX, read: (reader: ByteReader) => T): T[] {
  if (reader === null) return [];
  const count = reader.count();
  const most = MAX[what];
  if (count > most) throw malformed(`The module has ${count} ${what}; at most ${most} are allowed.`);
  const items: T[] = [];
  for (let left = count; left > 0; left--) items.push(read(reader));
  if (!reader.done)
    throw malformed(`The module has a section longer than its entries, at byte ${reader.at}.`);
  return items;
}

function typeReader(): (reader: ByteReader) => FunctionType {
  let values = 0;
  return (reader) => {
    const type = readType(reader);
    values += type.params.length + type.results.length;
    if (values > MAX_TYPE_VALUES) {
      throw malformed(
        `The module's function types have more than ${MAX_TYPE_VALUES} parameters and results together, which is the limit.`,
      );
    }
    return type;
  };
}
