import { WASM_PAGE_BYTES } from '../../../src/contract/limits.js';
import type { Scan } from '../binary/body-scanner.js';
import { withoutActiveData } from '../binary/data-segments.js';
import type { ByteRange, ParsedModule } from '../binary/module.js';
import { FUNCTION_TYPE, OP } from '../binary/opcodes.js';
import { ByteReader, malformed } from '../binary/reader.js';
import { SECTION, SECTION_ORDER } from '../binary/sections.js';
import { F32, F64, I32, I64 } from '../binary/value-types.js';
import { concat, i32Const, i64Const, limits, name, section, u32, vector } from '../binary/writer.js';
import { bitsGetter, bitsSetter, bitsType } from './added-code.js';
import {
  barrierCode,
  type InstrumentedCode,
  plainCode,
  type Redirection,
  targetsOf,
} from './instrumented-code.js';

export interface RewriteOptions {
  /** The memory limit in pages; a lower maximum of the module stays. */
  maxPages: number;
  /**
   * The scanned instructions. Null when they could not be scanned: the module is then refused,
   * because it could not be stopped in an instruction that is not known.
   */
  scan: Scan | null;
  /** Whether to export all mutable globals, so that a snapshot can restore them. */
  exportGlobals?: boolean;
  /**
   * For instances whose memory, including its size, comes from a snapshot: the module gets no
   * active data. Modules that differ only in their data thus become identical, and V8 compiles
   * their code once.
   */
  forSnapshot?: boolean;
  /** The index of a function to export under `names.resume`. */
  resume?: number;
  /** Whether to add write barriers, if the code can be analysed; only with `forSnapshot`. */
  writeBarriers?: boolean;
  /** Replaces some calls by a generator, and records whether a function is entered. */
  redirection?: Redirection;
}

export interface Rewritten {
  bytes: Uint8Array;
  names: ExportNames;
  /**
   * The export names of the module's mutable globals, if `exportGlobals` was set; float globals are
   * in `floats`.
   */
  globals: string[];
  /**
   * Mutable float globals, each with the export names of two functions that read and write its
   * bits.
   */
  floats: FloatExport[];
  maxPages: number;
  /** The size of the card table, which precedes the guest's memory; 0 without write barriers. */
  tableBytes: number;
}

export interface FloatExport {
  get: string;
  set: string;
}

/** The names of the exports that the rewriter adds; no export of the module has the same prefix. */
export interface ExportNames {
  /**
   * i32: the number of pages of the guest, which may be lower than that of the memory. null when
   * growth is not counted.
   */
  pages: string | null;
  /** i32: 1 once a `memory.grow` was refused. */
  refused: string | null;
  resume: string;
  /** i64: 1 once the watched function was entered; null without a watched function. */
  watched: string | null;
  /** The start function, called once the guest's memory is accessible; null without one. */
  start: string | null;
}

/**
 * The limit of the entries of all tables together. They are on the thread's heap, outside the
 * memory limit: 2^20 entries take 8 MB, and a thread that makes 60 such tables cannot be stopped
 * for a minute.
 */
const MAX_TABLE_SLOTS = 1 << 20;

const MUTABLE = 1;
const KIND = { function: 0, global: 3 } as const;

/**
 * Produces the module that runs from the uploaded module: limits memory and tables, drops custom
 * sections, and replaces every `memory.grow` by a call of one added function. That function counts
 * the guest's own pages, without the card table, and records a refused growth, so that the error of
 * a guest that fails because of it can say so. With write barriers, loads and stores are also moved
 * behind the card table (`write-barriers.ts`).
 *
 * Throws `invalid_module` when a table is too large, or an instruction is not known.
 */
export function rewrite(module: ParsedModule, options: RewriteOptions): Rewritten {
  if (options.scan === null) {
    throw malformed(
      'The module has an instruction that the engine does not know; build it for WebAssembly 2.0, without newer proposals.',
    );
  }
  const memory = module.memories[0];
  const forSnapshot = options.forSnapshot === true;
  const minPages = forSnapshot ? 0 : (memory?.min ?? 0);
  const maxPages = Math.min(memory?.max ?? options.maxPages, options.maxPages);
  const prefix = freePrefix(module);
  const names: ExportNames = {
    pages: null,
    refused: null,
    resume: `${prefix}resume`,
    watched: null,
    start: null,
  };
  const payloads = new Map<number, Uint8Array>();
  for (const [id, span] of module.sections) payloads.set(id, module.bytes.subarray(span.start, span.end));

  const added: Uint8Array[] = [];
  const floats: FloatExport[] = [];
  let before = 0;
  const isInstrumented = memory !== undefined || options.scan.sites.length > 0;
  if (isInstrumented && module.functions.length > 0) {
    if (memory !== undefined) {
      names.pages = `${prefix}pages`;
      names.refused = `${prefix}refused`;
    }
    const instrumented = options.writeBarriers === true && forSnapshot ? barrierCode(module, maxPages) : null;
    const code = instrumented ?? plainCode(module, options.scan, maxPages, options.redirection);
    before = code.pagesBefore;
    if (options.exportGlobals === true) added.push(...addFloatAccess(module, code, prefix, floats));
    added.push(...addCode(module, payloads, code, minPages, prefix));
    if (code.i64Globals.length > 0) {
      names.watched = `${prefix}watched`;
      added.push(exportEntry(names.watched, KIND.global, targetsOf(module).refused + code.i64Globals.length));
    }
  }
  if (memory !== undefined) {
    const most = Math.max(memory.min, maxPages);
    payloads.set(SECTION.memory, vector([limits(minPages + before, most + before)]));
  }
  clampTables(module, payloads);

  const globals: string[] = [];
  if (options.exportGlobals === true) {
    module.globals.forEach((global, index) => {
      if (!global.mutable || isFloat(global.type)) return;
      const exported = `${prefix}g${index}`;
      globals.push(exported);
      added.push(exportEntry(exported, KIND.global, module.importedGlobals + index));
    });
  }
  if (options.resume !== undefined) added.push(exportEntry(names.resume, KIND.function, options.resume));
  // A start function runs before the exports are available, so its host calls could not access the
  // memory. Called by the engine right after instantiation, they can.
  if (module.start !== null) {
    names.start = `${prefix}start`;
    added.push(exportEntry(names.start, KIND.function, module.start));
    payloads.delete(SECTION.start);
  }
  // With a data count section, instructions may refer to segments by index: passive segments and
  // the numbering must stay.
  if (forSnapshot && payloads.has(SECTION.data)) {
    if (payloads.has(SECTION.dataCount)) payloads.set(SECTION.data, withoutActiveData(module));
    else payloads.delete(SECTION.data);
  }
  append(module, payloads, SECTION.export, added);

  const bytes = concat([
    module.bytes.subarray(0, 8),
    ...SECTION_ORDER.flatMap((id) => {
      const payload = payloads.get(id);
      return payload === undefined ? [] : [section(id, payload)];
    }),
  ]);
  return { bytes, names, globals, floats, maxPages, tableBytes: before * WASM_PAGE_BYTES };
}

function freePrefix(module: ParsedModule): string {
  // Each export excludes at most one prefix, so that the search takes linear time.
  const taken = new Set(module.exports.map(({ name }) => /^orama\d+:/.exec(name)?.[0]));
  for (let attempt = 0; ; attempt++) {
    const prefix = `orama${attempt}:`;
    if (!taken.has(prefix)) return prefix;
  }
}

function exportEntry(exported: string, kind: number, index: number): Uint8Array {
  return concat([name(exported), Uint8Array.of(kind), u32(index)]);
}

/** Appends encoded entries to a section that is a vector, creating the section if necessary. */
function append(
  module: ParsedModule,
  payloads: Map<number, Uint8Array>,
  id: number,
  entries: readonly Uint8Array[],
): void {
  if (entries.length === 0) return;
  const span = module.sections.get(id);
  const { count, rest } = span === undefined ? { count: 0, rest: new Uint8Array(0) } : open(module, span);
  payloads.set(id, concat([u32(count + entries.length), rest, ...entries]));
}

/** Returns the number of entries of a vector section, and their bytes. */
function open(module: ParsedModule, span: ByteRange): { count: number; rest: Uint8Array } {
  const reader = new ByteReader(module.bytes, span.start, span.end);
  return { count: reader.u32(), rest: module.bytes.subarray(reader.at, span.end) };
}

function clampTables(module: ParsedModule, payloads: Map<number, Uint8Array>): void {
  if (module.tables.length === 0) return;
  const slots = module.tables.reduce((sum, { min }) => sum + min, 0);
  if (slots > MAX_TABLE_SLOTS) {
    throw malformed(
      `The module's tables have ${slots} entries together; at most ${MAX_TABLE_SLOTS} are allowed.`,
    );
  }
  const mayGrowBy = Math.floor((MAX_TABLE_SLOTS - slots) / module.tables.length);
  const entries = module.tables.map(({ element, min, max }) =>
    concat([Uint8Array.of(element), limits(min, Math.min(max ?? MAX_TABLE_SLOTS, min + mayGrowBy))]),
  );
  payloads.set(SECTION.table, vector(entries));
}

const isFloat = (type: number) => type === F32 || type === F64;

/** Adds two functions for each mutable float global. Returns their exports. */
function addFloatAccess(
  module: ParsedModule,
  code: InstrumentedCode,
  prefix: string,
  floats: FloatExport[],
): Uint8Array[] {
  const first = module.importedFunctions + module.functions.length;
  return module.globals.flatMap(({ mutable, type }, index) => {
    if (!mutable || !isFloat(type)) return [];
    const names = { get: `${prefix}g${index}`, set: `${prefix}g${index}=` };
    floats.push(names);
    const global = module.importedGlobals + index;
    const bits = [Uint8Array.of(bitsType(type))];
    code.functions.push(
      { params: [], results: bits, body: bitsGetter(global, type) },
      { params: bits, results: [], body: bitsSetter(global, type) },
    );
    const setter = first + code.functions.length - 1;
    return [exportEntry(names.get, KIND.function, setter - 1), exportEntry(names.set, KIND.function, setter)];
  });
}

/**
 * Replaces the code by the instrumented code and adds what it uses: functions, the two counters and
 * further globals. Returns the exports to add.
 */
function addCode(
  module: ParsedModule,
  payloads: Map<number, Uint8Array>,
  { bodies, functions, i64Globals }: InstrumentedCode,
  minPages: number,
  prefix: string,
): Uint8Array[] {
  const { pages, refused } = targetsOf(module);
  const types = functions.map(({ params, results }) =>
    concat([Uint8Array.of(FUNCTION_TYPE), vector(params), vector(results)]),
  );
  append(module, payloads, SECTION.type, types);
  append(
    module,
    payloads,
    SECTION.function,
    functions.map((_, index) => u32(module.types.length + index)),
  );
  const global = (type: number, value: Uint8Array) =>
    concat([Uint8Array.of(type, MUTABLE), value, Uint8Array.of(OP.end)]);
  append(module, payloads, SECTION.global, [
    global(I32, i32Const(minPages)),
    global(I32, i32Const(0)),
    ...i64Globals.map((value) => global(I64, i64Const(value))),
  ]);
  const added = functions.flatMap(({ body }) => [u32(body.length), body]);
  payloads.set(SECTION.code, concat([u32(module.bodies.length + functions.length), ...bodies, ...added]));
  return [
    exportEntry(`${prefix}pages`, KIND.global, pages),
    exportEntry(`${prefix}refused`, KIND.global, refused),
  ];
}
