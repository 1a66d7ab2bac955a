import { OP } from './opcodes.js';
import { type ParsedModule, SECTION, skipConstant } from './parse.js';
import { ByteReader, malformed } from './reader.js';
import { concat, u32 } from './writer.js';

/** Forms of a data segment (core specification §5.5.14). */
const FORM = { active: 0, passive: 1, activeInMemory: 2 } as const;

interface DataSegment {
  active: boolean;
  /** Where an active one begins in the memory; null when that is no `i32.const`. */
  offset: number | null;
  /** The whole segment, as it is encoded. */
  encoded: Uint8Array;
  bytes: Uint8Array;
}

function readSegments(module: ParsedModule): DataSegment[] {
  const span = module.sections.get(SECTION.data);
  if (span === undefined) return [];
  const reader = new ByteReader(module.bytes, span.start, span.end);
  const segments: DataSegment[] = [];
  for (let left = reader.count(); left > 0; left--) {
    const start = reader.at;
    const form = reader.u32();
    if (form > FORM.activeInMemory) throw malformed(`The module has a data segment of unknown kind ${form}.`);
    if (form === FORM.activeInMemory) reader.u32();
    const offset = form === FORM.passive ? null : readOffset(reader);
    const bytes = reader.take(reader.u32());
    const encoded = module.bytes.subarray(start, reader.at);
    segments.push({ active: form !== FORM.passive, offset, encoded, bytes });
  }
  return segments;
}

function readOffset(reader: ByteReader): number | null {
  const start = reader.at;
  skipConstant(reader);
  const constant = new ByteReader(reader.bytes, start, reader.at);
  if (constant.u8() !== OP.i32Const) return null;
  const offset = constant.s32() >>> 0;
  return constant.u8() === OP.end && constant.done ? offset : null;
}

/**
 * The data section for an instance that a snapshot fills: active segments are passive and empty.
 * That is what they are after instantiation, which drops them (§4.5.4), so `memory.init` sees no
 * difference; passive ones stay.
 */
export function withoutActiveData(module: ParsedModule): Uint8Array {
  const segments = readSegments(module);
  const dropped = Uint8Array.of(FORM.passive, 0);
  return concat([
    u32(segments.length),
    ...segments.map(({ active, encoded }) => (active ? dropped : encoded)),
  ]);
}

/**
 * The memory that active segments make, where all of them lie at constants inside it; null
 * otherwise.
 */
export function initialMemory(module: ParsedModule, bytes: number): Uint8Array | null {
  const memory = new Uint8Array(bytes);
  for (const segment of readSegments(module)) {
    if (!segment.active) continue;
    if (segment.offset === null || segment.offset + segment.bytes.length > bytes) return null;
    memory.set(segment.bytes, segment.offset);
  }
  return memory;
}
