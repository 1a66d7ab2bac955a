import { AppError } from '../errors.js';

/** One line of NDJSON. */
export interface Line {
  /** As editors count, from 1. */
  number: number;
  value: unknown;
  bytes: number;
}

/** The values of NDJSON, one a line; blank lines are passed over. Throws with the line that is none, before anything is done. */
export function readLines(bytes: Uint8Array): Line[] {
  return textOf(bytes)
    .split('\n')
    .flatMap((text, index) => (text.trim() === '' ? [] : [readLine(text, index + 1)]));
}

function readLine(text: string, number: number): Line {
  try {
    return { number, value: JSON.parse(text), bytes: Buffer.byteLength(text) };
  } catch (cause) {
    throw new AppError('invalid_request', `line ${number} is not JSON: ${text.trim().slice(0, 80)}`, {
      cause,
    });
  }
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new AppError('invalid_request', 'The lines are not UTF-8.', { cause });
  }
}
