import { z } from 'zod';
import { parseOrRefuse } from '../contract/sentence.js';
import { AppError } from '../errors.js';

/** Reads values that travel as text (query, headers, path) as what their schema says they are. */
export type TextReader<T> = (given: Readonly<Record<string, unknown>>) => T;

/**
 * A text becomes a number or boolean where the schema has one and it reads as one; else it stays text, for the schema
 * to refuse with the value as it was sent. Keys that the schema does not know are left out.
 */
export function textReader<S extends z.ZodObject>(schema: S, where?: string): TextReader<z.output<S>> {
  const keys = Object.keys(schema.shape);
  const types = new Map(keys.map((key) => [key, typeOf(schema.shape[key])]));
  let ofNothing: z.output<S> | undefined;
  return (given) => {
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
    // Most requests send none of what they may send, and parsing that gives the same each time.
    if (!some && ofNothing !== undefined) return ofNothing;
    const read = parseOrRefuse(schema, values, { code: 'invalid_request', ...(where ? { where } : {}) });
    if (!some) ofNothing = read;
    return read;
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
