import { FUNCTION_TYPE, OP } from './opcodes.js';
import { ByteReader, malformed } from './reader.js';
import { F32, F64, I32, I64 } from './value-types.js';

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
export const SECTION_ORDER: readonly number[] = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];

const VALUE_TYPES = new Map<number, string>([
  [I32, 'i32'],
  [I64, 'i64'],
  [F32, 'f32'],
  [F64, 'f64'],
  [0x7b, 'v128'],
  [0x70, 'funcref'],
  [0x6f, 'externref'],
]);

const EXTERNALS = ['function', 'table', 'memory', 'global', 'tag'] as const;
export type ExternalKind = (typeof EXTERNALS)[number];

/** A range of bytes in the module, such as the payload of a section or the body of a function. */
export interface ByteRange {
  start: number;
  end: number;
}
export interface FunctionType {
  params: readonly number[];
  results: readonly number[];
}
export interface Import {
  module: string;
  name: string;
  kind: ExternalKind;
  /** For a function: its index in `types`. */
  type: number;
}
export interface Export {
  name: string;
  kind: ExternalKind;
  index: number;
}
export interface Limits {
  min: number;
  max: number | null;
}
export interface MemoryType extends Limits {
  shared: boolean;
  wide: boolean;
}
export interface TableType extends Limits {
  element: number;
}
export interface GlobalType {
  type: number;
  mutable: boolean;
}

/** The parts of a module that the engine needs, with the positions of what it may rewrite. */
export interface ParsedModule {
  bytes: Uint8Array;
  sections: ReadonlyMap<number, ByteRange>;
  /** The names of custom sections, which identify toolchains. */
  customs: string[];
  types: FunctionType[];
  imports: Import[];
  importedFunctions: number;
  importedGlobals: number;
  /** The type index of each function that the module defines. */
  functions: number[];
  tables: TableType[];
  memories: MemoryType[];
  globals: GlobalType[];
  exports: Export[];
  /** The start function, which runs at instantiation. */
  start: number | null;
  bodies: ByteRange[];
}

/** Formats a function type, for example `(i32 i64) -> i32`. */
export function showType(type: FunctionType): string {
  const list = (values: readonly number[]) => values.map((value) => VALUE_TYPES.get(value) ?? '?').join(' ');
  return `(${list(type.params)}) -> (${list(type.results)})`;
}

/** Returns the type of a function by its index; imported functions come first. */
export function typeOfFunction(module: ParsedModule, index: number): FunctionType | undefined {
  const type =
    index < module.importedFunctions
      ? module.imports.filter((entry) => entry.kind === 'function')[index]?.type
      : module.functions[index - module.importedFunctions];
  return type === undefined ? undefined : module.types[type];
}

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

function checkHeader(bytes: Uint8Array): void {
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

function readSections(bytes: Uint8Array): Pick<ParsedModule, 'sections' | 'customs'> {
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

function vector<T>(reader: ByteReader | null, read: (reader: ByteReader) => T): T[] {
  if (reader === null) return [];
  const items: T[] = [];
  for (let left = reader.count(); left > 0; left--) items.push(read(reader));
  if (!reader.done)
    throw malformed(`The module has a section longer than its entries, at byte ${reader.at}.`);
  return items;
}

function valueType(reader: ByteReader): number {
  const type = reader.u8();
  if (VALUE_TYPES.has(type)) return type;
  throw malformed(`The module uses a value type (0x${type.toString(16)}) that the engine does not have.`);
}

function readType(reader: ByteReader): FunctionType {
  const form = reader.u8();
  if (form !== FUNCTION_TYPE) {
    throw malformed(`The module uses a kind of type (0x${form.toString(16)}) that the engine does not have.`);
  }
  const values = () => Array.from({ length: reader.count() }, () => valueType(reader));
  return { params: values(), results: values() };
}

function externalKind(reader: ByteReader): ExternalKind {
  const kind = EXTERNALS[reader.u8()];
  if (kind === undefined) throw malformed(`The module has an import or export of unknown kind.`);
  return kind;
}

function readImport(reader: ByteReader): Import {
  const module = reader.name();
  const name = reader.name();
  const kind = externalKind(reader);
  let type = -1;
  if (kind === 'function') type = reader.u32();
  else if (kind === 'table') readTable(reader);
  else if (kind === 'memory') readMemory(reader);
  else if (kind === 'global') readGlobalType(reader);
  else reader.skipLeb(reader.u8() + 32);
  return { module, name, kind, type };
}

function readExport(reader: ByteReader): Export {
  return { name: reader.name(), kind: externalKind(reader), index: reader.u32() };
}

function readLimits(reader: ByteReader, flags: number): Limits {
  return { min: reader.u32(), max: (flags & 1) !== 0 ? reader.u32() : null };
}

function readMemory(reader: ByteReader): MemoryType {
  const flags = reader.u8();
  if (flags > 7) throw malformed(`The module's memory has unknown flags 0x${flags.toString(16)}.`);
  const wide = (flags & 4) !== 0;
  if (wide) {
    // Skips 64-bit limits; such memories are refused later with a specific error.
    reader.skipLeb(64);
    if ((flags & 1) !== 0) reader.skipLeb(64);
    return { min: 0, max: null, shared: (flags & 2) !== 0, wide };
  }
  return { ...readLimits(reader, flags), shared: (flags & 2) !== 0, wide };
}

function readTable(reader: ByteReader): TableType {
  const element = valueType(reader);
  const flags = reader.u8();
  if (flags > 1) throw malformed(`The module has a table with unknown flags 0x${flags.toString(16)}.`);
  return { element, ...readLimits(reader, flags) };
}

function readGlobalType(reader: ByteReader): GlobalType {
  const type = valueType(reader);
  const mutable = reader.u8();
  if (mutable > 1) throw malformed('The module has a global that is neither constant nor mutable.');
  return { type, mutable: mutable === 1 };
}

function readGlobal(reader: ByteReader): GlobalType {
  const global = readGlobalType(reader);
  skipConstant(reader);
  return global;
}

function readBody(reader: ByteReader): ByteRange {
  const length = reader.u32();
  const start = reader.at;
  reader.take(length);
  return { start, end: reader.at };
}

const CONSTANT_ARITHMETIC: ReadonlySet<number> = new Set([
  OP.i32Add,
  OP.i32Sub,
  OP.i32Mul,
  OP.i64Add,
  OP.i64Sub,
  OP.i64Mul,
]);
const V128_CONST = 12;

/** Skips a constant expression (§3.3.10), including instructions of the extended-const proposal. */
export function skipConstant(reader: ByteReader): void {
  for (;;) {
    const opcode = reader.u8();
    switch (opcode) {
      case OP.end:
        return;
      case OP.i32Const:
      case OP.globalGet:
      case OP.refFunc:
      case OP.refNull:
        reader.skipLeb(35);
        break;
      case OP.i64Const:
        reader.skipLeb(64);
        break;
      case OP.f32Const:
        reader.take(4);
        break;
      case OP.f64Const:
        reader.take(8);
        break;
      default:
        if (opcode === OP.vectorPrefix && reader.u32() === V128_CONST) reader.take(16);
        else if (!CONSTANT_ARITHMETIC.has(opcode)) {
          throw malformed(
            `The module initialises a global with an instruction (0x${opcode.toString(16)}) that is not constant.`,
          );
        }
    }
  }
}
