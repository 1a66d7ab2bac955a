import type { ByteRange, ParsedModule } from '../binary/module.js';
import { ByteReader } from '../binary/reader.js';
import { concat, name, u32 } from '../binary/writer.js';

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

/** The module that is being produced. */
export interface Draft {
  readonly module: ParsedModule;
  /** The prefix of all exports that are added. */
  readonly prefix: string;
  readonly names: ExportNames;
  /** The payload of each section, by id. */
  readonly payloads: Map<number, Uint8Array>;
  /** The encoded exports to add. */
  readonly exports: Uint8Array[];
}

/** Returns a draft that is equal to the module. */
export function draftOf(module: ParsedModule): Draft {
  const prefix = freePrefix(module);
  const names = { pages: null, refused: null, resume: `${prefix}resume`, watched: null, start: null };
  const payloads = new Map<number, Uint8Array>();
  for (const [id, span] of module.sections) payloads.set(id, module.bytes.subarray(span.start, span.end));
  return { module, prefix, names, payloads, exports: [] };
}

function freePrefix(module: ParsedModule): string {
  // Each export excludes at most one prefix, so that the search takes linear time.
  const taken = new Set(module.exports.map((entry) => /^orama\d+:/.exec(entry.name)?.[0]));
  for (let attempt = 0; ; attempt++) {
    const prefix = `orama${attempt}:`;
    if (!taken.has(prefix)) return prefix;
  }
}

/** The kinds of exports that are added (WebAssembly 2.0, §5.5.10). */
export const EXPORT_KIND = { function: 0, global: 3 } as const;

/** Encodes an export. */
export function exportEntry(exported: string, kind: number, index: number): Uint8Array {
  return concat([name(exported), Uint8Array.of(kind), u32(index)]);
}

/**
 * Appends encoded entries to a section of the original module that is a vector, creating the
 * section if necessary. At most once per section: it replaces what the draft has.
 */
export function append({ module, payloads }: Draft, id: number, entries: readonly Uint8Array[]): void {
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
