import { MAX_MODULE_BYTES, MB, WASM_PAGE_BYTES } from '../../../src/contract/limits.js';
import {
  type FunctionType,
  type Import,
  type ParsedModule,
  showType,
  typeOfFunction,
} from '../binary/module.js';
import { malformed } from '../binary/reader.js';
import { I32, I64 } from '../binary/value-types.js';
import { HOST_IMPORTS, HOST_MODULES, WASI_IMPORTS, WASI_MODULE } from './imports.js';

/** How a valid module is entered. */
export interface ModuleShape {
  kind: 'command' | 'reactor';
  initialize: boolean;
  /** The export that allocates guest memory for results, if any. */
  allocator: 'orama_alloc' | 'malloc' | null;
  /** The initial number of 64 KiB pages; null without a memory. */
  pages: number | null;
}

const NOTHING: FunctionType = { params: [], results: [] };
const ALLOCATOR: FunctionType = { params: [I32], results: [I32] };
const HANDLE: FunctionType = { params: [I32, I32], results: [I64] };

/** Throws `invalid_module` when the module exceeds MAX_MODULE_BYTES. */
export function checkSize(bytes: Uint8Array): void {
  if (bytes.length > MAX_MODULE_BYTES) {
    const size = (bytes.length / MB).toFixed(1);
    throw malformed(`The module is ${size} MB; at most ${MAX_MODULE_BYTES / MB} MB are allowed.`);
  }
}

/**
 * Validates a module against the contract, §1 and §2. Throws `invalid_module` with a message for
 * the deploying client.
 */
export function check(module: ParsedModule, memoryLimitMb: number): ModuleShape {
  for (const entry of module.imports) checkImport(module, entry);
  const pages = checkMemory(module, memoryLimitMb);
  const kind = entryKind(module);
  const initialize = exportedType(module, '_initialize') !== null;
  if (initialize) expectType(module, '_initialize', NOTHING);

  if (exportedType(module, 'orama_alloc') !== null) expectType(module, 'orama_alloc', ALLOCATOR);
  const malloc = exportedType(module, 'malloc');
  const allocator =
    exportedType(module, 'orama_alloc') !== null
      ? 'orama_alloc'
      : malloc !== null && same(malloc, ALLOCATOR)
        ? 'malloc'
        : null;
  if (kind === 'reactor' && allocator === null) {
    throw malformed(
      'The module exports handle but no orama_alloc(size i32) -> i32 (or malloc) to take memory for its input; export one.',
    );
  }
  // A command that imports functions with packed results but has no allocator is accepted, because
  // it may never call them. If it does, the call returns 0 and the invocation's log says why.
  return { kind, initialize, allocator, pages };
}

function entryKind(module: ParsedModule): ModuleShape['kind'] {
  if (exportedType(module, '_start') !== null) {
    expectType(module, '_start', NOTHING);
    return 'command';
  }
  if (exportedType(module, 'handle') !== null) {
    expectType(module, 'handle', HANDLE);
    return 'reactor';
  }
  throw malformed(
    'The module exports neither _start (a command) nor handle (a reactor); build it as a WASI program.',
  );
}

function checkImport(module: ParsedModule, entry: Import): void {
  const full = `${show(entry.module)}.${show(entry.name)}`;
  if (entry.kind === 'memory') {
    throw malformed('The module imports its memory; build it with a memory of its own.');
  }
  if (entry.kind !== 'function') {
    throw malformed(`The module imports the ${entry.kind} ${full}; only functions can be imported.`);
  }
  const known =
    entry.module === WASI_MODULE
      ? WASI_IMPORTS.get(entry.name)
      : HOST_MODULES.includes(entry.module)
        ? HOST_IMPORTS.get(entry.name)?.type
        : undefined;
  if (known === undefined) {
    const what = HOST_MODULES.includes(entry.module) ? 'host function' : 'function';
    throw malformed(`The module imports ${full}, and there is no such ${what}.`);
  }
  const type = module.types[entry.type];
  if (type === undefined || !same(type, known)) {
    const given = type === undefined ? 'an unknown type' : showType(type);
    throw malformed(`The module imports ${full} as ${given}; its type is ${showType(known)}.`);
  }
}

function checkMemory(module: ParsedModule, limitMb: number): number | null {
  const memory = module.memories[0];
  if (memory === undefined) return null;
  if (module.memories.length > 1) {
    throw malformed(`The module has ${module.memories.length} memories; only one is allowed.`);
  }
  if (memory.wide) throw malformed('The module uses 64-bit memory (memory64); build it for wasm32.');
  if (memory.shared) throw malformed('The module uses shared memory (threads); build it without threads.');
  if (!module.exports.some((entry) => entry.kind === 'memory' && entry.name === 'memory')) {
    throw malformed('The module does not export its memory under the name "memory", as WASI asks for.');
  }
  const limitPages = (limitMb * MB) / WASM_PAGE_BYTES;
  if (memory.min > limitPages) {
    const needed = ((memory.min * WASM_PAGE_BYTES) / MB).toFixed(1).replace(/\.0$/, '');
    throw malformed(
      `The module needs ${needed} MB of memory to start and its limit is ${limitMb} MB; raise "memory" in function.yaml or build it smaller.`,
    );
  }
  return memory.min;
}

function exportedType(module: ParsedModule, name: string): FunctionType | null {
  const found = module.exports.find((entry) => entry.kind === 'function' && entry.name === name);
  return found === undefined ? null : (typeOfFunction(module, found.index) ?? null);
}

function expectType(module: ParsedModule, name: string, type: FunctionType): void {
  const found = exportedType(module, name);
  if (found !== null && !same(found, type)) {
    throw malformed(`The module exports ${name} as ${showType(found)}; its type must be ${showType(type)}.`);
  }
}

function same(a: FunctionType, b: FunctionType): boolean {
  return a.params.join() === b.params.join() && a.results.join() === b.results.join();
}

/** Formats a name from an untrusted module for an error message. */
function show(name: string): string {
  const plain = name.replace(/[\p{Cc}\p{Cf}]/gu, '?');
  return plain.length > 100 ? `${plain.slice(0, 100)}…` : plain;
}
