import { hash } from 'node:crypto';
import { MB, WASM_PAGES_PER_MB } from '../../../src/contract/limits.js';
import { AppError, messageOf } from '../../../src/errors.js';
import type { Scan } from '../binary/body-scanner.js';
import { type HeapUse, heapUse } from '../binary/heap-use.js';
import type { ParsedModule } from '../binary/module.js';
import { parse } from '../binary/parse.js';
import { placeOf } from '../binary/place-of.js';
import { scan } from '../binary/scan.js';
import type { Rewritten } from '../instrument/rewrite.js';
import { HOST_MODULES } from '../run/imports.js';
import { check, checkSize, type ModuleShape } from '../run/module-check.js';
import type { ProgramBase } from '../run/program.js';

/** The imports that indicate a program that waits. */
const WAITING: ReadonlySet<string> = new Set(['http_fetch', 'http_fetch_into', 'poll_oneoff']);
/**
 * An interpreter imports everything that a script may call, so its imports reveal nothing about the
 * script. Compiled programs import only what they use, which is never all 30 host functions of an
 * SDK.
 */
const INTERPRETER_IMPORTS = 20;
/** A custom section that the Go linker writes (cmd/link/internal/wasm). */
const GO_BUILD_ID = 'go:buildid';

/** Returns whether the module was built by the Go toolchain. */
export function isGo(module: ParsedModule): boolean {
  return module.customs.includes(GO_BUILD_ID);
}

/** A module that was parsed and checked against the contract. */
export interface Source {
  module: ParsedModule;
  shape: ModuleShape;
  scan: Scan | null;
  heap: HeapUse;
  limitMb: number;
  maxPages: number;
}

/** Parses and checks a module. Throws `invalid_module` when it cannot be deployed. */
export function readSource(wasm: Uint8Array, limitMb: number): Source {
  checkSize(wasm);
  const module = parse(wasm);
  const shape = check(module, limitMb);
  const found = scan(module);
  const heap = heapUse(module, found);
  return { module, shape, scan: found, heap, limitMb, maxPages: limitMb * WASM_PAGES_PER_MB };
}

/**
 * Throws `invalid_module` when the uploaded bytes are not valid WebAssembly. Checked before
 * rewriting, which could make an invalid module valid by clamping a limit or dropping a section.
 */
export function checkValid(wasm: Uint8Array): void {
  if (!WebAssembly.validate(wasm)) compile({ bytes: wasm });
}

/** V8's error messages end with the byte offset of the error. */
const STOPPED_AT = / @\+(\d+)$/;

/**
 * Compiles a module. Throws `invalid_module`, with the position of the error, when it is not valid.
 */
export function compile({ bytes }: { bytes: Uint8Array }): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes);
  } catch (cause) {
    throw invalid(bytes, STOPPED_AT.exec(messageOf(cause))?.[1], cause);
  }
}

/**
 * V8's message is only the cause and not part of the sentence, because it changes with V8's
 * version.
 */
function invalid(bytes: Uint8Array, stoppedAt: string | undefined, cause: unknown): AppError {
  const what = 'The module is not valid WebAssembly';
  const next = 'build it again, and upload the whole of what the compiler wrote.';
  const at = Number(stoppedAt);
  if (stoppedAt === undefined) return new AppError('invalid_module', `${what}; ${next}`, { cause });
  const where =
    at >= bytes.length
      ? `it ends at byte ${bytes.length} although more is to follow`
      : `byte ${at} breaks the format (${placeOf(bytes, at)})`;
  return new AppError('invalid_module', `${what}: ${where}; ${next}`, { cause });
}

/** Returns the parts of a program that do not depend on the strategy. */
export function common(source: Source, rewritten: Rewritten): ProgramBase {
  return {
    module: compile(rewritten),
    moduleHash: hash('sha256', rewritten.bytes, 'base64'),
    moduleBytes: rewritten.bytes.length,
    shape: source.shape,
    names: rewritten.names,
    tableBytes: rewritten.tableBytes,
    limitMb: source.limitMb,
    heapMb: Math.floor(source.heap.most / MB),
    instanceBytes: source.heap.instance,
    ownMaximum: rewritten.maxPages < source.maxPages,
    waits: waits(source.module),
  };
}

/**
 * Returns whether imports indicate that guests of the program wait. Go programs are excluded,
 * because each imports all of WASI.
 */
function waits(module: ParsedModule): boolean {
  const hostImports = module.imports.filter((entry) => HOST_MODULES.includes(entry.module)).length;
  if (isGo(module) || hostImports >= INTERPRETER_IMPORTS) return false;
  return module.imports.some((entry) => WAITING.has(entry.name));
}
