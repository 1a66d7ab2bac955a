import { parse, stringify } from 'lossless-json';

/** What JSON.parse would round has at least so many digits. */
const MAY_BE_LARGE = /\d{16}/;
const INTEGER = /^-?\d+$/;

/**
 * JSON.parse, but that integers which a number cannot hold come as bigints with all their digits.
 * Throws on what is no JSON.
 */
export function parseExact(text: string): unknown {
  return MAY_BE_LARGE.test(text)
    ? parse(text, undefined, { parseNumber, onDuplicateKey: lastWins })
    : JSON.parse(text);
}

/** JSON.stringify, but that bigints are written as integers. */
export function stringifyExact(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    // To look for a bigint first would cost every answer what next to none of them needs.
    if (!(error instanceof TypeError)) throw error;
    return stringify(value) ?? 'null';
  }
}

function parseNumber(digits: string): number | bigint {
  const number = Number(digits);
  return Number.isSafeInteger(number) || !INTEGER.test(digits) ? number : BigInt(digits);
}

/** As JSON.parse has it. */
function lastWins({ newValue }: { newValue: unknown }): unknown {
  return newValue;
}
