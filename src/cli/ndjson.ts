import { AppError } from '../errors.js';
import { type JsonText, toJsonText } from '../json/json-text.js';

/** One line of NDJSON. */
export interface Line {
  /** Line number, starting at 1. */
  number: number;
  /** The JSON text of the line. */
  value: JsonText;
  bytes: number;
}

/**
 * Parses NDJSON; blank lines are skipped. Throws with the line number if a line is not valid JSON.
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
