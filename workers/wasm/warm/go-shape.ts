import type { ByteRange, ParsedModule } from '../binary/module.js';
import { EMPTY_BLOCK, OP } from '../binary/opcodes.js';
import { ByteReader, malformed } from '../binary/reader.js';
import { SECTION } from '../binary/sections.js';

/**
 * The shape of the Go compiler's code, as far as resuming depends on it (cmd/internal/obj/wasm and
 * runtime/rt0_wasip1_wasm.s of Go 1.24 to 1.26). Go keeps goroutine stacks in linear memory and can
 * enter any function at any resume point: the loop at the end of `_start`, `wasm_pc_f_loop`, pops a
 * program counter (table index << 16 | block) from the guest's stack and calls that function. A
 * program that was interrupted inside an import thus continues when the import's wrapper is entered
 * again from the top.
 */
export interface GoShape extends GoTable {
  /** The function index of the loop. */
  loop: number;
}

/** The information in Go's function table. */
export interface GoTable {
  /** The table index of the wrapper of each import, by `module.name`. */
  wrappers: Map<string, number>;
  /** The import of each wrapper, by table index. */
  wraps: Map<number, string>;
  /** The function index by table index. */
  functionAt: Map<number, number>;
}

/**
 * Go's global variables (cmd/internal/obj/wasm): the stack pointer, and whether to leave the loop.
 */
const SP = 0;
const PAUSE = 7;
/** The end of `_start`: drop, call loop, return, unreachable, end. */
const START_TAIL: readonly number[] = [OP.return, OP.unreachable, OP.end];
/** The beginning of the loop: no locals; while (!PAUSE) … SP … */
const LOOP_HEAD: readonly number[] = [
  ...[0, OP.globalGet, PAUSE, OP.i32Eqz, OP.if, EMPTY_BLOCK],
  ...[OP.loop, EMPTY_BLOCK, OP.globalGet, SP],
];
/**
 * The beginning of a wrapper, after its locals: it stores SP in local 1 and then loads its
 * arguments. It has not moved SP.
 */
const WRAPPER_HEAD: readonly number[] = [OP.globalGet, SP, OP.localSet, 1];
const ARGUMENT_LOADS: ReadonlySet<number> = new Set([OP.i32Load, OP.i64Load, OP.f32Load, OP.f64Load]);
/** Longer functions are not wrappers. */
const MAX_WRAPPER_BYTES = 160;

/**
 * Recognizes a Go command. Throws `invalid_module` with the reason when the module does not look
 * like one; callers then do not use this warm start strategy.
 */
export function goShape(module: ParsedModule): GoShape {
  const start = module.exports.find((entry) => entry.kind === 'function' && entry.name === '_start');
  const body = start === undefined ? undefined : module.bodies[start.index - module.importedFunctions];
  if (body === undefined) throw malformed('it has no _start of its own');
  const loop = loopOf(module, body);
  return { loop, ...goTable(module) };
}

/** Reads the function table of a command or a reactor (`-buildmode=c-shared`). */
export function goTable(module: ParsedModule): GoTable {
  const wrappers = new Map<string, number>();
  const wraps = new Map<number, string>();
  const functionAt = tableFunctions(module);
  for (const [place, index] of functionAt) {
    const body = module.bodies[index - module.importedFunctions];
    const wrapped = body === undefined ? null : wrappedImport(module, body);
    const entry = wrapped === null ? undefined : module.imports[wrapped];
    if (entry === undefined) continue;
    wraps.set(place, `${entry.module}.${entry.name}`);
    // Two packages may import the same function; their wrappers are interchangeable.
    wrappers.set(`${entry.module}.${entry.name}`, place);
  }
  return { wrappers, wraps, functionAt };
}

function loopOf(module: ParsedModule, start: ByteRange): number {
  const { bytes } = module;
  const tail = start.end - START_TAIL.length;
  let at = tail - 1;
  // Go back over the LEB128 of the call's target.
  while (at > start.start && bytes[at - 1] !== OP.call) at--;
  const loop = new ByteReader(bytes, at, tail).u32();
  const body = module.bodies[loop - module.importedFunctions];
  const matches =
    startsWith(bytes, tail, START_TAIL) && body !== undefined && startsWith(bytes, body.start, LOOP_HEAD);
  if (!matches) throw malformed('its _start is not that of Go 1.24 to 1.26');
  return loop;
}

/** Returns the import that a function wraps; null when it is not a wrapper. */
function wrappedImport(module: ParsedModule, body: ByteRange): number | null {
  if (body.end - body.start > MAX_WRAPPER_BYTES) return null;
  const reader = new ByteReader(module.bytes, body.start, body.end);
  for (let groups = reader.u32(); groups > 0; groups--) {
    reader.u32();
    reader.u8();
  }
  if (!startsWith(module.bytes, reader.at, WRAPPER_HEAD)) return null;
  reader.take(WRAPPER_HEAD.length);
  for (;;) {
    const opcode = reader.u8();
    if (opcode === OP.call) {
      const target = reader.u32();
      return target < module.importedFunctions ? target : null;
    }
    // local.get 1, load, alignment, offset
    if (opcode !== OP.localGet || reader.u8() !== 1 || !ARGUMENT_LOADS.has(reader.u8())) return null;
    reader.u32();
    reader.u32();
  }
}

/** Returns the functions of Go's single table, which one active segment fills. */
function tableFunctions(module: ParsedModule): Map<number, number> {
  const span = module.sections.get(SECTION.element);
  if (span === undefined) throw malformed('it has no table');
  const reader = new ByteReader(module.bytes, span.start, span.end);
  const [segments, flags, constant] = [reader.u32(), reader.u32(), reader.u8()];
  if (segments !== 1 || flags !== 0 || constant !== OP.i32Const)
    throw malformed('its table is filled in an unknown way');
  const offset = reader.s32();
  if (reader.u8() !== OP.end) throw malformed('its table is filled in an unknown way');
  const functions = new Map<number, number>();
  const count = reader.count();
  for (let index = 0; index < count; index++) functions.set(offset + index, reader.u32());
  return functions;
}

function startsWith(bytes: Uint8Array, at: number, expected: readonly number[]): boolean {
  return expected.every((byte, index) => bytes[at + index] === byte);
}
