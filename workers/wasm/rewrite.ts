import type { ParsedModule, Span } from './parse.js';
import { SECTION, SECTION_ORDER } from './parse.js';
import { malformed } from './reader.js';
import type { Scan } from './scan.js';
import { I32 } from './value-types.js';
import { concat, i32Const, limits, name, section, u32, vector } from './writer.js';

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
}

export interface Rewritten {
  bytes: Uint8Array;
  names: ExportNames;
  /** Mutable globals of the module by export name, when `exportGlobals` was asked for. */
  globals: string[];
  minPages: number;
  maxPages: number;
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
  if (memory !== undefined) {
    payloads.set(SECTION.memory, vector([limits(minPages, Math.max(minPages, maxPages))]));
    if (options.scan !== null && module.functions.length > 0) {
      names.pages = `${prefix}pages`;
      names.refused = `${prefix}refused`;
      added.push(...countGrowth(module, payloads, options.scan, { minPages, maxPages }, prefix));
    }
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
  return { bytes, names, globals, minPages, maxPages };
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

/** Adds the two counters and the growing function, and leads all code to them. Returns the exports to add. */
function countGrowth(
  module: ParsedModule,
  payloads: Map<number, Uint8Array>,
  scan: Scan,
  pages: { minPages: number; maxPages: number },
  prefix: string,
): Uint8Array[] {
  const pagesGlobal = module.importedGlobals + module.globals.length;
  const refusedGlobal = pagesGlobal + 1;
  const grow = module.importedFunctions + module.functions.length;
  const type = module.types.length;

  append(module, payloads, SECTION.type, [Uint8Array.of(0x60, 1, I32, 1, I32)]);
  append(module, payloads, SECTION.function, [u32(type)]);
  append(module, payloads, SECTION.global, [
    concat([Uint8Array.of(I32, MUTABLE), i32Const(pages.minPages), Uint8Array.of(END)]),
    Uint8Array.of(I32, MUTABLE, 0x41, 0, END),
  ]);

  const call = concat([Uint8Array.of(0x10), u32(grow)]);
  const read = concat([Uint8Array.of(0x23), u32(pagesGlobal)]);
  const bodies: Uint8Array[] = [];
  let site = 0;
  for (const body of module.bodies) {
    const parts: Uint8Array[] = [];
    let copied = body.start;
    for (let next = scan.sites[site]; next !== undefined && next.at < body.end; next = scan.sites[++site]) {
      parts.push(module.bytes.subarray(copied, next.at), next.op === 'grow' ? call : read);
      copied = next.end;
    }
    parts.push(module.bytes.subarray(copied, body.end));
    bodies.push(u32(parts.reduce((sum, part) => sum + part.length, 0)), ...parts);
  }
  const added = growFunction(pagesGlobal, refusedGlobal, pages.maxPages);
  payloads.set(SECTION.code, concat([u32(module.bodies.length + 1), ...bodies, u32(added.length), added]));
  return [
    exportEntry(`${prefix}pages`, KIND.global, pagesGlobal),
    exportEntry(`${prefix}refused`, KIND.global, refusedGlobal),
  ];
}

/** memory.grow(wanted) as the guest sees it: the old number of pages, or -1. */
function growFunction(pages: number, refused: number, maxPages: number): Uint8Array {
  const P = u32(pages);
  const R = u32(refused);
  const max = i32Const(maxPages);
  const op = (...bytes: number[]) => Uint8Array.from(bytes);
  const refuse = concat([op(0x41, 1, 0x24), R, op(0x41, 0x7f, 0x0f, END)]); // refused = 1; return -1; end
  return concat([
    op(1, 1, I32), // one local: the new size (local 1)
    op(0x20, 0),
    max,
    op(0x4b), // wanted >u max
    op(0x23),
    P,
    op(0x20, 0, 0x6a, 0x22, 1), // new = pages + wanted
    max,
    op(0x4b, 0x72, 0x04, 0x40), // or new >u max: if
    refuse,
    op(0x20, 1, 0x3f, 0, 0x4b, 0x04, 0x40), // if new >u memory.size
    op(0x20, 1, 0x3f, 0, 0x6b, 0x40, 0, 0x41, 0x7f, 0x46, 0x04, 0x40), // if memory.grow(new - size) == -1
    refuse,
    op(END),
    op(0x23),
    P, // the old size stays on the stack
    op(0x20, 1, 0x24),
    P,
    op(END),
  ]);
}
