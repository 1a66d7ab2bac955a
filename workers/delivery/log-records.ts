import * as z from 'zod';
import type { AttemptRow, FinalAttempt } from '../../src/ports/store/attempts.js';

/** Returns about how many bytes a row takes in a write. */
export function sizeOf({ messages, final }: AttemptRow): number {
  let bytes = 512 + (final?.output?.byteLength ?? 0) + (final?.input?.byteLength ?? 0);
  for (const { message } of messages) bytes += message.length + 64;
  return bytes;
}

/** Encodes a row as a record of the backlog. */
export function encodeRow({ final, ...row }: AttemptRow): string {
  const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString('base64'));
  return JSON.stringify({
    ...row,
    final: final && { ...final, output: text(final.output), input: text(final.input) },
  });
}

/** Accepts any object, because only `encodeRow` writes records; only their bytes were encoded. */
const encodedSchema = z.custom<Omit<AttemptRow, 'final'> & { final: EncodedFinal | null }>(
  (value) => typeof value === 'object' && value !== null,
);
type EncodedFinal = Omit<FinalAttempt, 'output' | 'input'> & { output: string | null; input: string | null };

export function decodeRow(text: string): AttemptRow {
  const { final, ...row } = encodedSchema.parse(JSON.parse(text));
  const bytes = (base64: string | null) =>
    base64 === null ? null : new Uint8Array(Buffer.from(base64, 'base64'));
  return { ...row, final: final && { ...final, output: bytes(final.output), input: bytes(final.input) } };
}
