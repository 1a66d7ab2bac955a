import { jsonDepth } from './host.js';

/**
 * QuickJS parses and writes JSON recursively without checking its stack. A text of 20,000 levels
 * may use up the stack of the thread, which ends the invocation.
 */
const MAX_DEPTH = 5000;
const native = JSON.parse;

/** `JSON.parse`, which throws a RangeError for values that are nested too deeply. */
export function parse(text: string, reviver?: Parameters<typeof native>[1]): unknown {
  const json = `${text}`;
  // Shorter texts cannot be nested so deeply.
  const depth = json.length > MAX_DEPTH ? jsonDepth(json) : 0;
  if (depth > MAX_DEPTH) {
    throw new RangeError(`JSON may be nested at most ${MAX_DEPTH} levels deep, and not ${depth}`);
  }
  return native(json, reviver);
}
