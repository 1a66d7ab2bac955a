import { AppError } from '../errors.js';
import { type JsonText, toJsonText } from '../json-text.js';

/** One line of NDJSON. */
export interface Line {
  /** As editors count, from 1. */
  number: number;
  /** A JSON text. */
  value: JsonText;
  bytes: number;
}

/**
 * The values of NDJSON, one a line; blank lines are passed over. Throws with the line that is none,
 * before anything is done.
 */
export function readLines(bytes: Uint8Array): Line[] {
  return textOf(bytes)
    .split('\n')
    .flatMap((text, index) => (text.trim() === '' ? [] : [readLine(text, index + 1)]));
}

function readLine(text: string, number: number): Line {
  const value = toJsonText(text);
  if (value !== null) return { number, value, bytes: Buffer.byteLength(text) };
  throw new AppError('invalid_request', `line ${number} is not JSON: ${text.trim().slice(0, 80)}`);
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new AppError('invalid_request', 'The lines are not UTF-8.', { cause });
  }
}
