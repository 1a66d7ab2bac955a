import { parse, stringify } from 'lossless-json';

/** Matches numbers with enough digits for JSON.parse to round them. */
const MAY_BE_LARGE = /\d{16}/;
const INTEGER = /^-?\d+$/;

/**
 * JSON.parse, except that integers outside the safe range of a number are returned as bigints.
 * Throws if the text is not valid JSON.
 */
export function parseExact(text: string): unknown {
  return MAY_BE_LARGE.test(text)
    ? parse(text, undefined, { parseNumber, onDuplicateKey: lastWins })
    : JSON.parse(text);
}

/** JSON.stringify, except that bigints are written as integers. */
export function stringifyExact(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    // Bigints are rare: it is cheaper to handle the TypeError than to search every value for one.
    if (!(error instanceof TypeError)) throw error;
    return stringify(value) ?? 'null';
  }
}

function parseNumber(digits: string): number | bigint {
  const number = Number(digits);
  return Number.isSafeInteger(number) || !INTEGER.test(digits) ? number : BigInt(digits);
}

/** Duplicate keys: the last value wins, as in JSON.parse. */
function lastWins({ newValue }: { newValue: unknown }): unknown {
  return newValue;
}
