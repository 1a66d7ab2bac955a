import { isUtf8 } from 'node:buffer';
import { AppError } from '../errors.js';
import { JsonText, jsonTextOf } from '../json-text.js';

/**
 * A value as the cache keeps it: functions read the same bytes, so text is text and not a JSON
 * string. `source` is the text of any other value as it was sent.
 */
export function writeCached(value: unknown, source: string | undefined): Uint8Array {
  if (value === undefined || source === undefined) {
    throw new AppError('invalid_request', 'value is required; send null to keep a null.');
  }
  return Buffer.from(typeof value === 'string' ? value : source);
}

/**
 * The JSON that the bytes spell, to the byte; else their text as a string, else `{"$blob":
 * "<base64>"}`.
 */
export function readCached(bytes: Uint8Array): JsonText {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isUtf8(buffer)) return jsonTextOf(buffer);
  return new JsonText(JSON.stringify({ $blob: buffer.toString('base64') }));
}
