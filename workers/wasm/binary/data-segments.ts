import { skipConstant } from './constant-expression.js';
import type { ParsedModule } from './module.js';
import { OP } from './opcodes.js';
import { ByteReader, malformed } from './reader.js';
import { SECTION } from './sections.js';
import { concat, u32 } from './writer.js';

/** The forms of a data segment (WebAssembly core specification 2.0, §5.5.14). */
const FORM = { active: 0, passive: 1, activeInMemory: 2 } as const;

interface DataSegment {
  active: boolean;
  /** The offset of an active segment; null when it is not an `i32.const`. */
  offset: number | null;
  /** The whole segment in its encoded form. */
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
 * Returns the data section for an instance that is initialized from a snapshot: active segments
 * become passive and empty. After instantiation, which drops active segments (§4.5.4), this is
 * their state anyway, so `memory.init` behaves the same. Passive segments stay.
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
 * Returns the memory that active segments initialize; null unless all of them have constant offsets
 * within `bytes`.
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
