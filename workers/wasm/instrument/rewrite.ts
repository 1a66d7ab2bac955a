import { WASM_PAGE_BYTES } from '../../../src/contract/limits.js';
import type { Scan } from '../binary/body-scanner.js';
import { withoutActiveData } from '../binary/data-segments.js';
import { MAX_TABLE_SLOTS } from '../binary/heap-use.js';
import type { ParsedModule } from '../binary/module.js';
import { FUNCTION_TYPE, OP } from '../binary/opcodes.js';
import { malformed } from '../binary/reader.js';
import { SECTION, SECTION_ORDER } from '../binary/sections.js';
import { F32, F64, I32, I64 } from '../binary/value-types.js';
import { concat, i32Const, i64Const, limits, section, u32, vector } from '../binary/writer.js';
import { bitsGetter, bitsSetter, bitsType } from './added-code.js';
import { append, type Draft, draftOf, EXPORT_KIND, type ExportNames, exportEntry } from './draft.js';
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

const MUTABLE = 1;

/**
 * Produces the module that runs from the uploaded module: limits memory and tables, drops custom
 * sections, and replaces every `memory.grow` by a call of one added function. That function counts
 * the guest's own pages, without the card table, and records a refused growth, so that the error of
 * a guest that fails because of it can say so. With write barriers, loads and stores are also moved
 * behind the card table (`write-barriers.ts`).
 *
 * Throws `invalid_module` when an instruction is not known.
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
  const draft = draftOf(module);
  const isInstrumented = memory !== undefined || options.scan.sites.length > 0;
  const { floats, pagesBefore } =
    isInstrumented && module.functions.length > 0
      ? instrument(draft, options.scan, options, { minPages, maxPages })
      : { floats: [], pagesBefore: 0 };
  if (memory !== undefined) {
    const most = Math.max(memory.min, maxPages);
    draft.payloads.set(SECTION.memory, vector([limits(minPages + pagesBefore, most + pagesBefore)]));
  }
  clampTables(draft);
  const globals = options.exportGlobals === true ? exportGlobals(draft) : [];
  if (options.resume !== undefined) {
    draft.exports.push(exportEntry(draft.names.resume, EXPORT_KIND.function, options.resume));
  }
  if (module.start !== null) exportStart(draft, module.start);
  if (forSnapshot) removeActiveData(draft);
  append(draft, SECTION.export, draft.exports);

  const bytes = concat([
    module.bytes.subarray(0, 8),
    ...SECTION_ORDER.flatMap((id) => {
      const payload = draft.payloads.get(id);
      return payload === undefined ? [] : [section(id, payload)];
    }),
  ]);
  const tableBytes = pagesBefore * WASM_PAGE_BYTES;
  return { bytes, names: draft.names, globals, floats, maxPages, tableBytes };
}

/** Replaces the code by instrumented code, with write barriers if they are wanted and possible. */
function instrument(
  draft: Draft,
  scan: Scan,
  options: RewriteOptions,
  { minPages, maxPages }: { minPages: number; maxPages: number },
): { floats: FloatExport[]; pagesBefore: number } {
  const { module, prefix, names } = draft;
  if (module.memories.length > 0) {
    names.pages = `${prefix}pages`;
    names.refused = `${prefix}refused`;
  }
  const withBarriers = options.writeBarriers === true && options.forSnapshot === true;
  const instrumented = withBarriers ? barrierCode(module, maxPages) : null;
  const code = instrumented ?? plainCode(module, scan, maxPages, options.redirection);
  const floats = options.exportGlobals === true ? addFloatAccess(draft, code) : [];
  addCode(draft, code, minPages);
  if (code.i64Globals.length > 0) {
    names.watched = `${prefix}watched`;
    const index = targetsOf(module).refused + code.i64Globals.length;
    draft.exports.push(exportEntry(names.watched, EXPORT_KIND.global, index));
  }
  return { floats, pagesBefore: code.pagesBefore };
}

/** Exports the mutable globals except floats. Returns the names of the exports. */
function exportGlobals({ module, prefix, exports }: Draft): string[] {
  const exported: string[] = [];
  module.globals.forEach(({ mutable, type }, index) => {
    if (!mutable || isFloat(type)) return;
    const global = `${prefix}g${index}`;
    exported.push(global);
    exports.push(exportEntry(global, EXPORT_KIND.global, module.importedGlobals + index));
  });
  return exported;
}

/**
 * Exports the start function instead. It would run before the exports are available, so its host
 * calls could not access the memory. Called by the engine right after instantiation, they can.
 */
function exportStart({ prefix, names, payloads, exports }: Draft, start: number): void {
  names.start = `${prefix}start`;
  exports.push(exportEntry(names.start, EXPORT_KIND.function, start));
  payloads.delete(SECTION.start);
}

/**
 * Removes the active data. With a data count section, instructions may refer to segments by index:
 * passive segments and the numbering must stay.
 */
function removeActiveData({ module, payloads }: Draft): void {
  if (!payloads.has(SECTION.data)) return;
  if (payloads.has(SECTION.dataCount)) payloads.set(SECTION.data, withoutActiveData(module));
  else payloads.delete(SECTION.data);
}

function clampTables({ module, payloads }: Draft): void {
  if (module.tables.length === 0) return;
  const slots = module.tables.reduce((sum, { min }) => sum + min, 0);
  const mayGrowBy = Math.floor((MAX_TABLE_SLOTS - slots) / module.tables.length);
  const entries = module.tables.map(({ element, min, max }) =>
    concat([Uint8Array.of(element), limits(min, Math.min(max ?? MAX_TABLE_SLOTS, min + mayGrowBy))]),
  );
  payloads.set(SECTION.table, vector(entries));
}

const isFloat = (type: number) => type === F32 || type === F64;

/** Exports two added functions for each mutable float global. Returns the names of the exports. */
function addFloatAccess({ module, prefix, exports }: Draft, code: InstrumentedCode): FloatExport[] {
  const first = module.importedFunctions + module.functions.length;
  const floats: FloatExport[] = [];
  module.globals.forEach(({ mutable, type }, index) => {
    if (!mutable || !isFloat(type)) return;
    const names = { get: `${prefix}g${index}`, set: `${prefix}g${index}=` };
    floats.push(names);
    const global = module.importedGlobals + index;
    const bits = [Uint8Array.of(bitsType(type))];
    code.functions.push(
      { params: [], results: bits, body: bitsGetter(global, type) },
      { params: bits, results: [], body: bitsSetter(global, type) },
    );
    const setter = first + code.functions.length - 1;
    exports.push(
      exportEntry(names.get, EXPORT_KIND.function, setter - 1),
      exportEntry(names.set, EXPORT_KIND.function, setter),
    );
  });
  return floats;
}

/**
 * Replaces the code by the instrumented code and adds what it uses: functions, the two counters,
 * which are exported, and further globals.
 */
function addCode(draft: Draft, { bodies, functions, i64Globals }: InstrumentedCode, minPages: number): void {
  const { module, prefix, payloads, exports } = draft;
  const { pages, refused } = targetsOf(module);
  const types = functions.map(({ params, results }) =>
    concat([Uint8Array.of(FUNCTION_TYPE), vector(params), vector(results)]),
  );
  append(draft, SECTION.type, types);
  append(
    draft,
    SECTION.function,
    functions.map((_, index) => u32(module.types.length + index)),
  );
  const global = (type: number, value: Uint8Array) =>
    concat([Uint8Array.of(type, MUTABLE), value, Uint8Array.of(OP.end)]);
  append(draft, SECTION.global, [
    global(I32, i32Const(minPages)),
    global(I32, i32Const(0)),
    ...i64Globals.map((value) => global(I64, i64Const(value))),
  ]);
  const added = functions.flatMap(({ body }) => [u32(body.length), body]);
  payloads.set(SECTION.code, concat([u32(module.bodies.length + functions.length), ...bodies, ...added]));
  exports.push(
    exportEntry(`${prefix}pages`, EXPORT_KIND.global, pages),
    exportEntry(`${prefix}refused`, EXPORT_KIND.global, refused),
  );
}
