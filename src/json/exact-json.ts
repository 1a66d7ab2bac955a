import { randomUUID } from 'node:crypto';
import { endOfString } from './json-strings.js';

/** Matches numbers with enough digits for JSON.parse to round them. */
const MAY_BE_LARGE = /\d{16}/;
const NUMBERS = /[-+.\deE]{16,}/g;
/**
 * An integer of more digits is no integer of any database, and the time to convert it grows with
 * the square of their number.
 */
const INTEGER = /^-?[1-9]\d{0,399}$/;
/** Cannot be guessed, so no string in a text begins with it. */
const MARK = randomUUID();
const MARKED = new RegExp(`"${MARK}(-?\\d+)"`, 'g');

/**
 * JSON.parse, except that integers outside the safe range of a number are returned as bigints.
 * Throws if the text is not valid JSON.
 */
export function parseExact(text: string): unknown {
  if (!MAY_BE_LARGE.test(text)) return JSON.parse(text);
  const marked = markLarge(text);
  return marked === text ? JSON.parse(text) : unmark(JSON.parse(marked));
}

/** JSON.stringify, except that bigints are written as integers. */
export function stringifyExact(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    // Bigints are rare: it is cheaper to handle the TypeError than to search every value for one.
    if (!(error instanceof TypeError)) throw error;
    const replacer = (_key: string, inner: unknown) =>
      typeof inner === 'bigint' ? `${MARK}${inner}` : inner;
    return JSON.stringify(value, replacer).replace(MARKED, '$1');
  }
}

/** Turns large integers into strings that begin with the mark. */
function markLarge(text: string): string {
  const parts: string[] = [];
  for (let from = 0; from < text.length; ) {
    const quote = text.indexOf('"', from);
    const between = quote < 0 ? text.slice(from) : text.slice(from, quote);
    parts.push(MAY_BE_LARGE.test(between) ? between.replace(NUMBERS, markIfLarge) : between);
    if (quote < 0) break;
    from = endOfString(text, quote);
    parts.push(text.slice(quote, from));
  }
  return parts.join('');
}

function markIfLarge(number: string): string {
  return INTEGER.test(number) && !Number.isSafeInteger(Number(number)) ? `"${MARK}${number}"` : number;
}

/** Turns the marked strings of a value into bigints, in place. */
function unmark(value: unknown): unknown {
  if (typeof value === 'string') return value.startsWith(MARK) ? BigInt(value.slice(MARK.length)) : value;
  if (typeof value !== 'object' || value === null) return value;
  for (const key of Object.keys(value)) {
    // A number in the place of a key, which is not JSON.
    if (key.startsWith(MARK)) throw new SyntaxError('Unexpected number in JSON');
    const inner: unknown = Reflect.get(value, key);
    // Most values are neither objects nor marked, and `__proto__` is an own property here.
    const exact = unmark(inner);
    if (exact !== inner) Reflect.set(value, key, exact);
  }
  return value;
}
