import { WASM_PAGE_BYTES } from '../../../src/contract/limits.js';
import type { ParsedModule, Span } from '../binary/parse.js';
import { SECTION, SECTION_ORDER } from '../binary/parse.js';
import { malformed } from '../binary/reader.js';
import type { Scan } from '../binary/scan.js';
import { I32 } from '../binary/value-types.js';
import { concat, i32Const, limits, name, section, u32, vector } from '../binary/writer.js';
import { barrierCode, type InstrumentedCode, plainCode, targetsOf } from './instrumented-code.js';

export interface RewriteOptions {
  /** The memory limit; the module's own maximum stays when it is lower. */
  maxPages: number;
  /** The instructions, or null when they could not be read: then growth is clamped but not counted. */
  scan: Scan | null;
  /** Pages the memory has from the start, when more than the module says: those of a snapshot. */
  minPages?: number;
  /** Exports all mutable globals, so that a snapshot can restore them. */
  exportGlobals?: boolean;
  /** For an instance that a snapshot fills: no active data. */
  forSnapshot?: boolean;
  /** Exports a function that the module does not, under `names.resume`. */
  resume?: number;
  /** Marks what is written, where the code can be followed; for an instance that a snapshot fills. */
  track?: boolean;
}

export interface Rewritten {
  bytes: Uint8Array;
  names: ExportNames;
  /** Mutable globals of the module by export name, when `exportGlobals` was asked for. */
  globals: string[];
  minPages: number;
  maxPages: number;
  /** Of the table of marks, which the guest's memory lies behind; 0 when writes are not marked. */
  tableBytes: number;
}

/** Names of what the rewriter adds to the exports; no name of the module's own begins like them. */
export interface ExportNames {
  /** i32: pages the guest has, which may be fewer than the memory has. null when growth is not counted. */
  pages: string | null;
  /** i32: 1 once a `memory.grow` was refused. */
  refused: string | null;
  resume: string;
  /** The start function, called once the guest's memory can be reached; null without one. */
  start: string | null;
}

/** A table's slots live on the thread's heap, outside the memory limit: 2^20 of them are 8 MB. */
const MAX_TABLE_SLOTS = 1 << 20;

const END = 0x0b;
const MUTABLE = 1;
const KIND = { function: 0, global: 3 } as const;

/**
 * Makes the module that runs from the module that was uploaded: memory and tables clamped, custom sections dropped, and every
 * `memory.grow` led through one added function. That function keeps the guest's own idea of its size apart from
 * the real one, so that an instance can be reset in place after it has grown, and notes a refused growth, so that a
 * guest which dies of it can be told why.
 * Where writes are marked, loads and stores are led behind the table of marks as well (`track.ts`).
 */
export function rewrite(module: ParsedModule, options: RewriteOptions): Rewritten {
  const memory = module.memories[0];
  const minPages = Math.max(memory?.min ?? 0, options.minPages ?? 0);
  const maxPages = Math.min(memory?.max ?? options.maxPages, options.maxPages);
  const prefix = freePrefix(module);
  const names: ExportNames = { pages: null, refused: null, resume: `${prefix}resume`, start: null };
  const payloads = new Map<number, Uint8Array>();
  for (const [id, span] of module.sections) payloads.set(id, module.bytes.subarray(span.start, span.end));

  const added: Uint8Array[] = [];
  let before = 0;
  if (memory !== undefined) {
    if (options.scan !== null && module.functions.length > 0) {
      names.pages = `${prefix}pages`;
      names.refused = `${prefix}refused`;
      const tracked =
        options.track === true && options.forSnapshot === true ? barrierCode(module, maxPages) : null;
      const code = tracked ?? plainCode(module, options.scan, maxPages);
      before = code.pagesBefore;
      added.push(...addCode(module, payloads, code, minPages, prefix));
    }
    payloads.set(SECTION.memory, vector([limits(minPages + before, Math.max(minPages, maxPages) + before)]));
  }
  clampTables(module, payloads);

  const globals: string[] = [];
  if (options.exportGlobals === true) {
    module.globals.forEach((global, index) => {
      if (!global.mutable) return;
      const exported = `${prefix}g${index}`;
      globals.push(exported);
      added.push(exportEntry(exported, KIND.global, module.importedGlobals + index));
    });
  }
  if (options.resume !== undefined) added.push(exportEntry(names.resume, KIND.function, options.resume));
  // A start function runs before the exports are there, so its host calls could not reach the memory. Called by the
  // engine right after, it can.
  if (module.start !== null) {
    names.start = `${prefix}start`;
    added.push(exportEntry(names.start, KIND.function, module.start));
    payloads.delete(SECTION.start);
  }
  // With a data count there may be passive segments, which memory.init reads at run time: they must stay.
  if (options.forSnapshot === true && !payloads.has(SECTION.dataCount)) payloads.delete(SECTION.data);
  append(module, payloads, SECTION.export, added);

  const bytes = concat([
    module.bytes.subarray(0, 8),
    ...SECTION_ORDER.flatMap((id) => {
      const payload = payloads.get(id);
      return payload === undefined ? [] : [section(id, payload)];
    }),
  ]);
  return { bytes, names, globals, minPages, maxPages, tableBytes: before * WASM_PAGE_BYTES };
}

function freePrefix(module: ParsedModule): string {
  for (let attempt = 0; ; attempt++) {
    const prefix = `orama${attempt}:`;
    if (!module.exports.some((entry) => entry.name.startsWith(prefix))) return prefix;
  }
}

function exportEntry(exported: string, kind: number, index: number): Uint8Array {
  return concat([name(exported), Uint8Array.of(kind), u32(index)]);
}

/** Adds encoded entries to a section that is a vector, making the section if there is none. */
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

/** A vector section's number of entries and the entries' bytes. */
function open(module: ParsedModule, span: Span): { count: number; rest: Uint8Array } {
  let at = span.start;
  let count = 0;
  for (let factor = 1; ; factor *= 128) {
    const byte = module.bytes[at++] ?? 0;
    count += (byte & 0x7f) * factor;
    if (byte < 0x80) return { count, rest: module.bytes.subarray(at, span.end) };
  }
}

function clampTables(module: ParsedModule, payloads: Map<number, Uint8Array>): void {
  if (module.tables.length === 0) return;
  const entries = module.tables.map((table) => {
    if (table.min > MAX_TABLE_SLOTS) {
      throw malformed(
        `The module has a table of ${table.min} entries; at most ${MAX_TABLE_SLOTS} are allowed.`,
      );
    }
    return concat([
      Uint8Array.of(table.element),
      limits(table.min, Math.min(table.max ?? MAX_TABLE_SLOTS, MAX_TABLE_SLOTS)),
    ]);
  });
  payloads.set(SECTION.table, vector(entries));
}

/** Puts in the code, led to what is added, with the two counters. Returns the exports to add. */
function addCode(
  module: ParsedModule,
  payloads: Map<number, Uint8Array>,
  { bodies, functions }: InstrumentedCode,
  minPages: number,
  prefix: string,
): Uint8Array[] {
  const { pages, refused } = targetsOf(module);
  const types = functions.map(({ takes, gives }) =>
    concat([Uint8Array.of(0x60), vector(takes), vector(gives)]),
  );
  append(module, payloads, SECTION.type, types);
  append(
    module,
    payloads,
    SECTION.function,
    functions.map((_, index) => u32(module.types.length + index)),
  );
  append(module, payloads, SECTION.global, [
    concat([Uint8Array.of(I32, MUTABLE), i32Const(minPages), Uint8Array.of(END)]),
    Uint8Array.of(I32, MUTABLE, 0x41, 0, END),
  ]);
  const added = functions.flatMap(({ body }) => [u32(body.length), body]);
  payloads.set(SECTION.code, concat([u32(module.bodies.length + functions.length), ...bodies, ...added]));
  return [
    exportEntry(`${prefix}pages`, KIND.global, pages),
    exportEntry(`${prefix}refused`, KIND.global, refused),
  ];
}
