import { isUtf8 } from 'node:buffer';
import { AppError } from '../../errors.js';
import { JsonText, jsonTextOf } from '../../json/json-text.js';

/**
 * Encodes a value for the cache. Functions read the same bytes, so a string is stored as its text
 * and not as JSON; any other value is stored as `source`, its JSON text as sent.
 */
export function writeCached(value: unknown, source: string | undefined): Uint8Array {
  if (value === undefined || source === undefined) {
    throw new AppError('invalid_request', 'value is required; send null to keep a null.');
  }
  return Buffer.from(typeof value === 'string' ? value : source);
}

/**
 * Decodes a cached value: verbatim JSON if the bytes are valid JSON, otherwise their text as a JSON
 * string, otherwise `{"$blob": "<base64>"}`.
 */
export function readCached(bytes: Uint8Array): JsonText {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isUtf8(buffer)) return jsonTextOf(buffer);
  return new JsonText(JSON.stringify({ $blob: buffer.toString('base64') }));
}
