import { LRUCache } from 'lru-cache';
import * as z from 'zod';
import { parseOrThrow } from '../../contract/parse-or-throw.js';
import { AppError } from '../../errors.js';

const MAX_REMEMBERED = 1000;
const MAX_REMEMBERED_LENGTH = 128;

/** Parses textual values (query, headers, path) by their schema. */
export type TextReader<T> = (given: Readonly<Record<string, unknown>>) => T;

/**
 * Converts text to a number or boolean if the schema requires one and the text parses as one;
 * otherwise the text is left for the schema to reject with the original value. Unknown keys are
 * ignored unless the schema is strict; `namespace` is known everywhere.
 */
export function textReader<S extends z.ZodObject>(schema: S): TextReader<z.output<S>> {
  const keys = Object.keys(schema.shape);
  const isStrict = schema.def.catchall instanceof z.ZodNever;
  const types = new Map(keys.map((key) => [key, typeOf(schema.shape[key])]));
  let ofNothing: z.output<S> | undefined;
  const read = (given: Readonly<Record<string, unknown>>): z.output<S> => {
    const values: Record<string, unknown> = {};
    let some = false;
    for (const key of keys) {
      const text = given[key];
      if (text === undefined) continue;
      some = true;
      if (typeof text !== 'string') {
        throw new AppError('invalid_request', `${key} was given more than once; give it once.`);
      }
      values[key] = fromText(text, types.get(key));
    }
    for (const key of isStrict ? Object.keys(given) : []) {
      if (Object.hasOwn(schema.shape, key) || key === 'namespace') continue;
      some = true;
      values[key] = given[key];
    }
    // Most requests set none of the optional values, and parsing these always gives the same
    // result.
    if (!some && ofNothing !== undefined) return ofNothing;
    const parsed = parseOrThrow(schema, values, { code: 'invalid_request' });
    if (!some) ofNothing = parsed;
    return parsed;
  };
  const [key] = keys;
  return key !== undefined && keys.length === 1 && !isStrict ? remembering(key, read) : read;
}

/**
 * Caches the results of readers with a single key, such as the name in a path, since few values are
 * frequent.
 */
function remembering<T extends object>(key: string, read: TextReader<T>): TextReader<T> {
  const remembered = new LRUCache<string, T>({ max: MAX_REMEMBERED });
  return (given) => {
    const text = given[key];
    if (typeof text !== 'string' || text.length > MAX_REMEMBERED_LENGTH) return read(given);
    const known = remembered.get(text) ?? read(given);
    remembered.set(text, known);
    return known;
  };
}

function fromText(text: string, type: unknown): unknown {
  if (type === 'integer' || type === 'number') {
    return /^-?\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : text;
  }
  if (type === 'boolean') {
    if (text === 'true' || text === '1') return true;
    if (text === 'false' || text === '0') return false;
  }
  return text;
}

function typeOf(schema: unknown): unknown {
  if (!(schema instanceof z.ZodType)) return undefined;
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }).type;
}
