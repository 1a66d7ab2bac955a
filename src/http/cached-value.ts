import { utf8 } from '../core/output-fields.js';
import { AppError } from '../errors.js';

/** A value as the cache keeps it: functions read the same bytes, so text is text and not a JSON string. */
export function writeCached(value: unknown): Uint8Array {
  if (value === undefined) {
    throw new AppError('invalid_request', 'value is required; send null to keep a null.');
  }
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
}

/** The JSON value that the bytes spell, else their text, else `{"$blob": "<base64>"}`. */
export function readCached(bytes: Uint8Array): unknown {
  const text = utf8(bytes);
  if (text === null) return { $blob: Buffer.from(bytes).toString('base64') };
  try {
    const value: unknown = JSON.parse(text);
    // A number with more digits than a double holds would come back as another number.
    return typeof value === 'number' && String(value) !== text ? text : value;
  } catch {
    return text;
  }
}
