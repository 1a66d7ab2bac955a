import { AppError } from '../errors.js';

/** Deeper values overflow the stack of whoever writes or compares them later. */
const MAX_DEPTH = 100;

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

/** As `parseJson`, with the text: for what is passed on as it was written. */
export function readJson(bytes: Uint8Array): ParsedJson {
  if (bytes.byteLength === 0) {
    throw new AppError('invalid_request', 'The body is empty; send a JSON object.');
  }
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch (cause) {
    throw new AppError('invalid_request', 'The body is not UTF-8; send JSON in UTF-8.', { cause });
  }
  if (depthOf(text) > MAX_DEPTH) {
    throw new AppError('invalid_request', `The body is nested more than ${MAX_DEPTH} levels deep.`);
  }
  try {
    return {
      text,
      value: MAY_NAME_PROTOTYPE.test(text) ? JSON.parse(text, dropPrototype) : JSON.parse(text),
    };
  } catch (cause) {
    throw new AppError('invalid_request', `The body is not valid JSON: ${reasonOf(cause)}.`, { cause });
  }
}

/** Being asked about every key makes parsing a list of objects five times slower, and next to no body has a key like that, escaped or not. */
const MAY_NAME_PROTOTYPE = /__proto__|\\u/;

/** `{"__proto__": ..}` is an own property after JSON.parse, and harmless until somebody copies it by assignment. */
function dropPrototype(key: string, value: unknown): unknown {
  return key === '__proto__' ? undefined : value;
}

/** How deep brackets nest outside strings; what is no JSON is left to the parser. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (inString) {
      if (code === BACKSLASH) index += 1;
      else if (code === QUOTE) inString = false;
    } else if (code === QUOTE) inString = true;
    else if (code === BRACE || code === BRACKET) {
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if (code === BRACE_END || code === BRACKET_END) depth -= 1;
  }
  return deepest;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACKET = 0x5b;
const BRACKET_END = 0x5d;
const BRACE = 0x7b;
const BRACE_END = 0x7d;

/** V8's reason without the excerpt of the body that it repeats: bodies hold secrets. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  const position = /at position (\d+)/.exec(message);
  if (/end of JSON|Unterminated/i.test(message)) return 'it ends too early';
  return position ? `unexpected character at position ${position[1]}` : 'unexpected character';
}
