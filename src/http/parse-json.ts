import { jsonDepth, MAX_JSON_DEPTH } from '../contract/json-depth.js';
import { AppError } from '../errors.js';
import { parseExact } from '../exact-json.js';

const decoder = new TextDecoder('utf-8', { fatal: true });

/** A JSON body: its value, and the text that spells it. */
export interface ParsedJson {
  value: unknown;
  text: string;
}

/** The JSON value of a body. Throws `invalid_request` with a sentence. */
export function parseJson(bytes: Uint8Array): unknown {
  return readJson(bytes).value;
}

/**
 * As `parseJson`, with the text: for what is passed on as it was written. With `exactIntegers`
 * those that a number cannot hold come as bigints.
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
 * Being asked about every key makes parsing a list of objects five times slower, and next to no
 * body has a key like that, escaped or not.
 */
const MAY_NAME_PROTOTYPE = /__proto__|\\u/;

function parsePlain(text: string): unknown {
  return MAY_NAME_PROTOTYPE.test(text) ? JSON.parse(text, dropPrototype) : JSON.parse(text);
}

/**
 * `{"__proto__": ..}` is an own property after JSON.parse, and harmless until somebody copies it by
 * assignment.
 */
function dropPrototype(key: string, value: unknown): unknown {
  return key === '__proto__' ? undefined : value;
}

/** V8's reason without the excerpt of the body that it repeats: bodies hold secrets. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  const position = /at position (\d+)/.exec(message);
  if (/end of JSON|Unterminated/i.test(message)) return 'it ends too early';
  return position ? `unexpected character at position ${position[1]}` : 'unexpected character';
}
