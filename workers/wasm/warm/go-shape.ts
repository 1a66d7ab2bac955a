import type { ParsedModule, Span } from '../binary/parse.js';
import { SECTION } from '../binary/parse.js';
import { ByteReader, malformed } from '../binary/reader.js';

/**
 * What the Go compiler's output looks like, as far as resuming it goes. Go keeps its goroutines' stacks in linear memory
 * and can enter any function at any resume point: the loop that `_start` ends in pops a program counter
 * (table index << 16 | block) off the guest's stack and calls that function. So a program that was interrupted inside an
 * import continues if that import's wrapper is entered again from the top.
 */
export interface GoShape {
  /** The loop's function index. */
  loop: number;
  /** Table index of the wrapper around each import, by `module.name`. */
  wrappers: Map<string, number>;
}

const CALL = 0x10;
/** `_start` ends: drop, call loop, return, unreachable, end. */
const START_TAIL = [0x0f, 0x00, 0x0b];
/** The loop begins: no locals; while (!PAUSE) … */
const LOOP_HEAD = [0x00, 0x23, 0x07, 0x45, 0x04, 0x40, 0x03, 0x40, 0x23, 0x00];
/** A wrapper begins, after its locals: SP into local 1, and then loads of its arguments. It has not moved SP. */
const WRAPPER_HEAD = [0x23, 0x00, 0x21, 0x01];
const ARGUMENT_LOADS = new Set([0x28, 0x29, 0x2a, 0x2b]);

/** Throws `invalid_module` with what does not look like Go; for the caller that means: no warm start of this kind. */
export function goShape(module: ParsedModule): GoShape {
  const start = module.exports.find((entry) => entry.kind === 'function' && entry.name === '_start');
  const body = start === undefined ? undefined : module.bodies[start.index - module.importedFunctions];
  if (body === undefined) throw malformed('it has no _start of its own');
  const loop = loopOf(module, body);
  const wrappers = new Map<string, number>();
  const places = tablePlaces(module);
  module.bodies.forEach((candidate, index) => {
    const wrapped = wrappedImport(module, candidate);
    const entry = wrapped === null ? undefined : module.imports[wrapped];
    const place = places.get(module.importedFunctions + index);
    if (entry === undefined || place === undefined) return;
    // Two packages may import the same function; the wrappers differ in nothing that matters.
    wrappers.set(`${entry.module}.${entry.name}`, place);
  });
  return { loop, wrappers };
}

function loopOf(module: ParsedModule, start: Span): number {
  const { bytes } = module;
  const tail = start.end - START_TAIL.length;
  let at = tail - 1;
  // Back over the LEB128 of the call's target.
  while (at > start.start && bytes[at - 1] !== CALL) at--;
  const loop = new ByteReader(bytes, at, tail).u32();
  const body = module.bodies[loop - module.importedFunctions];
  const matches =
    startsWith(bytes, tail, START_TAIL) && body !== undefined && startsWith(bytes, body.start, LOOP_HEAD);
  if (!matches) throw malformed('its _start is not that of a Go program of a known version');
  return loop;
}

/** The import that a function wraps, or null when it is no such wrapper. */
function wrappedImport(module: ParsedModule, body: Span): number | null {
  if (body.end - body.start > 160) return null;
  const reader = new ByteReader(module.bytes, body.start, body.end);
  for (let groups = reader.u32(); groups > 0; groups--) {
    reader.u32();
    reader.u8();
  }
  if (!startsWith(module.bytes, reader.at, WRAPPER_HEAD)) return null;
  reader.take(WRAPPER_HEAD.length);
  for (;;) {
    const opcode = reader.u8();
    if (opcode === CALL) {
      const target = reader.u32();
      return target < module.importedFunctions ? target : null;
    }
    // local.get 1, load, alignment, offset
    if (opcode !== 0x20 || reader.u8() !== 1 || !ARGUMENT_LOADS.has(reader.u8())) return null;
    reader.u32();
    reader.u32();
  }
}

/** Where functions stand in the one table that Go fills with one active segment. */
function tablePlaces(module: ParsedModule): Map<number, number> {
  const span = module.sections.get(SECTION.element);
  if (span === undefined) throw malformed('it has no table');
  const reader = new ByteReader(module.bytes, span.start, span.end);
  const [segments, flags, constant] = [reader.u32(), reader.u32(), reader.u8()];
  if (segments !== 1 || flags !== 0 || constant !== 0x41)
    throw malformed('its table is filled in an unknown way');
  const offset = reader.s32();
  if (reader.u8() !== 0x0b) throw malformed('its table is filled in an unknown way');
  const places = new Map<number, number>();
  const count = reader.count();
  for (let index = 0; index < count; index++) places.set(reader.u32(), offset + index);
  return places;
}

function startsWith(bytes: Uint8Array, at: number, expected: readonly number[]): boolean {
  return expected.every((byte, index) => bytes[at + index] === byte);
}
