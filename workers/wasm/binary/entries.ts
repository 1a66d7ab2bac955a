import { skipConstant } from './constant-expression.js';
import {
  type ByteRange,
  EXTERNALS,
  type Export,
  type ExternalKind,
  type FunctionType,
  type GlobalType,
  type Import,
  type Limits,
  type MemoryType,
  type TableType,
  VALUE_TYPES,
} from './module.js';
import { FUNCTION_TYPE } from './opcodes.js';
import { type ByteReader, malformed } from './reader.js';

// The entries of the sections that the engine reads (§5.5.4 to §5.5.13).

function valueType(reader: ByteReader): number {
  const type = reader.u8();
  if (VALUE_TYPES.has(type)) return type;
  throw malformed(`The module uses a value type (0x${type.toString(16)}) that the engine does not have.`);
}

/** V8's limit of the parameters and of the results of a function, which error messages list. */
const MAX_VALUES = 1000;

export function readType(reader: ByteReader): FunctionType {
  const form = reader.u8();
  if (form !== FUNCTION_TYPE) {
    throw malformed(`The module uses a kind of type (0x${form.toString(16)}) that the engine does not have.`);
  }
  const values = () => {
    const count = reader.count();
    if (count > MAX_VALUES)
      throw malformed(
        `A function type of the module has ${count} values; at most ${MAX_VALUES} are allowed.`,
      );
    return Array.from({ length: count }, () => valueType(reader));
  };
  return { params: values(), results: values() };
}

function externalKind(reader: ByteReader): ExternalKind {
  const kind = EXTERNALS[reader.u8()];
  if (kind === undefined) throw malformed(`The module has an import or export of unknown kind.`);
  return kind;
}

export function readImport(reader: ByteReader): Import {
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

export function readExport(reader: ByteReader): Export {
  return { name: reader.name(), kind: externalKind(reader), index: reader.u32() };
}

/** The flags of a table's or memory's limits (§5.3.7; `shared`: threads, `is64`: memory64). */
const LIMITS = { hasMax: 1, shared: 2, is64: 4, all: 7 } as const;

function readLimits(reader: ByteReader, flags: number): Limits {
  return { min: reader.u32(), max: (flags & LIMITS.hasMax) !== 0 ? reader.u32() : null };
}

export function readMemory(reader: ByteReader): MemoryType {
  const flags = reader.u8();
  if (flags > LIMITS.all) throw malformed(`The module's memory has unknown flags 0x${flags.toString(16)}.`);
  const wide = (flags & LIMITS.is64) !== 0;
  if (wide) {
    // Skips 64-bit limits; such memories are refused later with a specific error.
    reader.skipLeb(64);
    if ((flags & LIMITS.hasMax) !== 0) reader.skipLeb(64);
    return { min: 0, max: null, shared: (flags & LIMITS.shared) !== 0, wide };
  }
  return { ...readLimits(reader, flags), shared: (flags & LIMITS.shared) !== 0, wide };
}

export function readTable(reader: ByteReader): TableType {
  const element = valueType(reader);
  const flags = reader.u8();
  if (flags > LIMITS.hasMax)
    throw malformed(`The module has a table with unknown flags 0x${flags.toString(16)}.`);
  return { element, ...readLimits(reader, flags) };
}

function readGlobalType(reader: ByteReader): GlobalType {
  const type = valueType(reader);
  const mutable = reader.u8();
  if (mutable > 1) throw malformed('The module has a global that is neither constant nor mutable.');
  return { type, mutable: mutable === 1 };
}

export function readGlobal(reader: ByteReader): GlobalType {
  const global = readGlobalType(reader);
  skipConstant(reader);
  return global;
}

/**
 * The limit of the values of an exception: each takes up to 64 bytes of V8's heap for as long as
 * the exception is handled. Compilers use one.
 */
const MAX_TAG_VALUES = 16;

/** Returns the type index of an exception tag. */
export function readTag(reader: ByteReader, types: readonly FunctionType[]): number {
  reader.u8();
  const type = reader.u32();
  const values = types[type]?.params.length ?? 0;
  if (values > MAX_TAG_VALUES) {
    throw malformed(
      `An exception tag of the module has ${values} values; at most ${MAX_TAG_VALUES} are allowed.`,
    );
  }
  return type;
}

export function readBody(reader: ByteReader): ByteRange {
  const length = reader.u32();
  const start = reader.at;
  reader.take(length);
  return { start, end: reader.at };
}
