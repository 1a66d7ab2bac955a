import { WASM_PAGE_BYTES } from '../../src/contract/limits.js';
import type { Scan } from '../../workers/wasm/binary/body-scanner.js';
import { initialMemory } from '../../workers/wasm/binary/data-segments.js';
import type { ParsedModule } from '../../workers/wasm/binary/module.js';
import { parse } from '../../workers/wasm/binary/parse.js';
import { scan } from '../../workers/wasm/binary/scan.js';
import { SECTION } from '../../workers/wasm/binary/sections.js';
import { F32, F64, I32, I64 } from '../../workers/wasm/binary/value-types.js';
import { concat, name as encodedName, section, u32, vector } from '../../workers/wasm/binary/writer.js';
import { cardTableOf } from '../../workers/wasm/instrument/dirty-cards.js';
import { type Rewritten, rewrite } from '../../workers/wasm/instrument/rewrite.js';
import { memoryOf, readGlobals } from '../../workers/wasm/run/instance.js';
import { Restorer, type Snapshot, takeSnapshot } from '../../workers/wasm/run/snapshot.js';

/** A call of an exported function. */
export interface Action {
  field: string;
  args: (number | bigint | null)[];
}

/**
 * Modes in which the engine creates and resets instances. `anew` is for modules that cannot be
 * reset and get a new instance per run.
 */
const RESTORING_MODES = ['fresh', 'reactor', 'marked'] as const;
type Mode = (typeof RESTORING_MODES)[number] | 'anew';
const MAX_PAGES = 4096;
const RESTORABLE: ReadonlySet<number> = new Set([I32, I64, F32, F64]);
const PASSES = 3;

export interface Comparison {
  /** Number of actions of all modes and passes. */
  actions: number;
  /** Modes in which the module can run. */
  modes: string[];
  /** Results that differ from those of a new instance of the original module. */
  differences: string[];
}

/**
 * Runs the calls on a new instance of the module and then, in each mode, on an instance that is
 * reset in between as the engine does it: results and memory must be equal. Returns null if the
 * module cannot be instantiated. `imports` are created for each instance, as they may have state as
 * well.
 */
export function compareModes(
  wasm: Uint8Array,
  actions: readonly Action[],
  imports: () => WebAssembly.Imports,
): Comparison | null {
  const bytes = withMemoryExport(wasm);
  const module = parse(bytes);
  const scanned = scan(module);
  const modes: readonly Mode[] = isRestorable(module, scanned) ? RESTORING_MODES : ['anew'];
  let original: WebAssembly.Instance;
  try {
    original = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports());
  } catch {
    return null;
  }
  const expected = play(original, actions, 0);
  // Needs more memory than any function may have, so growing it fails.
  if (expected === null) return null;
  const comparison: Comparison = { actions: 0, modes: [], differences: [] };
  for (const mode of modes) {
    const instances = instancesOf(module, scanned, mode, imports);
    if (instances === null) continue;
    comparison.modes.push(mode);
    let instance = instances.create();
    for (let pass = 1; pass <= PASSES; pass++) {
      instances.start(instance);
      const actual = play(instance, actions, instances.tableBytes);
      comparison.actions += actions.length;
      if (actual === null) continue;
      actual.results.forEach((result, index) => {
        if (result === expected.results[index]) return;
        const { field, args } = actions[index] ?? { field: '', args: [] };
        comparison.differences.push(
          `${mode}, pass ${pass}: ${field}(${args.join()}) = ${result}, not ${expected.results[index]}`,
        );
      });
      if (Buffer.compare(actual.memory, expected.memory) !== 0) {
        comparison.differences.push(`${mode}, pass ${pass}: the memory is another`);
      }
      instance = instances.reset(instance);
    }
  }
  return comparison;
}

function isRestorable(module: ParsedModule, scanned: Scan | null): boolean {
  const [memory] = module.memories;
  if (scanned === null || scanned.keepsHiddenState || memory === undefined || module.memories.length > 1)
    return false;
  if (memory.min > MAX_PAGES || memory.shared || memory.wide) return false;
  if (module.imports.some(({ kind }) => kind === 'memory' || kind === 'table')) return false;
  return module.globals.every(({ mutable, type }) => !mutable || RESTORABLE.has(type));
}

/**
 * Creates instances as the engine does; see workers/wasm/warm and createRunner. Returns null if the
 * mode does not support the module.
 */
function instancesOf(
  module: ParsedModule,
  scanned: Scan | null,
  mode: Mode,
  imports: () => WebAssembly.Imports,
) {
  if (mode === 'anew') {
    const rewritten = rewrite(module, { maxPages: MAX_PAGES, scan: scanned });
    const program = compiled(rewritten);
    const create = () => new WebAssembly.Instance(program.module, imports());
    const start = (instance: WebAssembly.Instance) => callStart(instance, rewritten);
    return { tableBytes: 0, create, start, reset: create };
  }
  const options = { maxPages: MAX_PAGES, scan: scanned, exportGlobals: true };
  const pages = module.memories[0]?.min ?? 0;
  const data = initialMemory(module, pages * WASM_PAGE_BYTES);
  const first = rewrite(module, { ...options, forSnapshot: data !== null });
  const base = new WebAssembly.Instance(new WebAssembly.Module(first.bytes), imports());
  const globals = readGlobals(base, first).map(([name, value]): Snapshot['globals'][number] => [
    name,
    name === first.names.pages ? pages : value,
  ]);
  const bytesOf = (instance: WebAssembly.Instance, table: number) =>
    new Uint8Array(memoryOf(instance)?.buffer ?? new ArrayBuffer(0), table);
  let snapshot = takeSnapshot(data ?? bytesOf(base, 0), globals);
  let used = first;
  if (mode !== 'fresh') {
    const started = data === null ? base : new Restorer(snapshot).instantiate(compiled(first), imports());
    callStart(started, first);
    snapshot = takeSnapshot(bytesOf(started, 0), readGlobals(started, first));
    used = rewrite(module, { ...options, forSnapshot: true, writeBarriers: mode === 'marked' });
  }
  const { tableBytes } = used;
  if (mode === 'marked' && tableBytes === 0) return null;
  const program = compiled(used);
  const restorer = new Restorer(snapshot);
  const create = () =>
    mode === 'fresh' && data === null
      ? new WebAssembly.Instance(program.module, imports())
      : restorer.instantiate(program, imports());
  return {
    tableBytes,
    create,
    start: (instance: WebAssembly.Instance) => {
      if (mode === 'fresh') callStart(instance, used);
    },
    reset: (instance: WebAssembly.Instance) => {
      const memory = bytesOf(instance, tableBytes);
      const grown = memory.length > snapshot.pages * WASM_PAGE_BYTES;
      // The state behind imported functions cannot be reset.
      if (grown || module.imports.length > 0) return create();
      if (tableBytes > 0)
        restorer.restoreDirty(memory, cardTableOf(memory.buffer as ArrayBuffer, tableBytes));
      else restorer.restore(memory);
      restorer.restoreGlobals(instance);
      return instance;
    },
  };
}

function compiled({ bytes, tableBytes }: Rewritten) {
  return { module: new WebAssembly.Module(bytes), tableBytes };
}

function callStart(instance: WebAssembly.Instance, { names }: Rewritten): void {
  const start = names.start === null ? undefined : instance.exports[names.start];
  if (typeof start === 'function') (start as () => void)();
}

function play(instance: WebAssembly.Instance, actions: readonly Action[], tableBytes: number) {
  const results = actions.map(({ field, args }) => {
    const called = instance.exports[field];
    if (typeof called !== 'function') return `no function ${field}`;
    try {
      const result = (called as (...given: unknown[]) => unknown)(...args);
      return [result]
        .flat()
        .map((value) =>
          Object.is(value, -0) ? '-0' : typeof value === 'function' ? 'function' : String(value),
        )
        .join();
    } catch (error) {
      return String(error);
    }
  });
  const buffer = memoryOf(instance)?.buffer ?? new ArrayBuffer(0);
  if (buffer.byteLength > MAX_PAGES * WASM_PAGE_BYTES + tableBytes) return null;
  return { results, memory: new Uint8Array(buffer, tableBytes).slice() };
}

/** Returns the module with its memory exported as "memory", which the contract requires. */
function withMemoryExport(bytes: Uint8Array): Uint8Array {
  const module = parse(bytes);
  if (module.memories.length === 0 || module.exports.some(({ name }) => name === 'memory')) return bytes;
  const KIND: Readonly<Record<string, number>> = { function: 0, table: 1, memory: 2, global: 3, tag: 4 };
  const importedMemories = module.imports.filter(({ kind }) => kind === 'memory').length;
  const entries = [
    ...module.exports.map(({ name, kind, index }) => [encodedName(name), u32(KIND[kind] ?? 0), u32(index)]),
    [encodedName('memory'), u32(2), u32(importedMemories)],
  ].map(concat);
  const payloads = new Map<number, Uint8Array>();
  for (const [id, { start, end }] of module.sections) payloads.set(id, bytes.subarray(start, end));
  payloads.set(SECTION.export, vector(entries));
  const order = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];
  const sections = order.flatMap((id) => {
    const payload = payloads.get(id);
    return payload === undefined ? [] : [section(id, payload)];
  });
  return concat([bytes.subarray(0, 8), ...sections]);
}
