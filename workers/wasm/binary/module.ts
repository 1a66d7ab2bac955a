import { EXTERNREF, F32, F64, FUNCREF, I32, I64, V128 } from './value-types.js';

/** The value types (§5.3) and their names in the text format. */
export const VALUE_TYPES = new Map<number, string>([
  [I32, 'i32'],
  [I64, 'i64'],
  [F32, 'f32'],
  [F64, 'f64'],
  [V128, 'v128'],
  [FUNCREF, 'funcref'],
  [EXTERNREF, 'externref'],
]);

export const EXTERNALS = ['function', 'table', 'memory', 'global', 'tag'] as const;
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
  /** The type index of each exception tag. */
  tags: number[];
  exports: Export[];
  /** The number of entries of each element segment. */
  elements: number[];
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
 * Returns the distinct function types of a module, each as a text with one character for itself and
 * one for each of its values.
 */
export function distinctTypes({ types }: ParsedModule): string[] {
  const text = (values: readonly number[]) => String.fromCharCode(...values);
  return [...new Set(types.map(({ params, results }) => `${text(params)}>${text(results)}`))];
}
