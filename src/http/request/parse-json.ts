import { jsonDepth, MAX_JSON_DEPTH } from '../../contract/json-depth.js';
import { AppError } from '../../errors.js';
import { parseExact } from '../../json/exact-json.js';

const decoder = new TextDecoder('utf-8', { fatal: true });

/** A parsed JSON body with its text. */
export interface ParsedJson {
  value: unknown;
  text: string;
}

/** Parses a JSON body. Throws `invalid_request`. */
export function parseJson(bytes: Uint8Array): unknown {
  return readJson(bytes).value;
}

/**
 * Like `parseJson`, but also returns the text, for values that are passed on verbatim. With
 * `exactIntegers`, integers outside the safe range are bigints.
 */
export function readJson(bytes: Uint8Array, exactIntegers = false): ParsedJson {
  if (bytes.byteLength === 0) {
    throw new AppError('invalid_request', 'The body is empty; send a JSON object.');
  }
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch (cause) {
    throw new AppError('invalid_request', 'The body is not UTF-8; send JSON in UTF-8.', { cause });
  }
  if (jsonDepth(text) > MAX_JSON_DEPTH) {
    throw new AppError('invalid_request', `The body is nested more than ${MAX_JSON_DEPTH} levels deep.`);
  }
  try {
    return { text, value: exactIntegers ? parseExact(text) : parsePlain(text) };
  } catch (cause) {
    throw new AppError('invalid_request', `The body is not valid JSON: ${reasonOf(cause)}.`, { cause });
  }
}

/**
 * A reviver makes parsing a list of objects five times slower, so it is used only if the text may
 * contain `__proto__`, possibly escaped.
 */
const MAY_NAME_PROTOTYPE = /__proto__|\\u/;

function parsePlain(text: string): unknown {
  return MAY_NAME_PROTOTYPE.test(text) ? JSON.parse(text, dropPrototype) : JSON.parse(text);
}

/**
 * Drops `__proto__` keys: JSON.parse creates an own property, which is harmless until it is copied
 * by assignment.
 */
function dropPrototype(key: string, value: unknown): unknown {
  return key === '__proto__' ? undefined : value;
}

/** Returns V8's reason without its excerpt of the body, which may contain secrets. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  const position = /at position (\d+)/.exec(message);
  if (/end of JSON|Unterminated/i.test(message)) return 'it ends too early';
  return position ? `unexpected character at position ${position[1]}` : 'unexpected character';
}
