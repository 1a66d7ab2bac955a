import * as z from 'zod';
import { MB } from '../../src/contract/limits.js';
import { AppError } from '../../src/errors.js';
import { parseExact } from '../../src/json/exact-json.js';
import { isSimple } from '../../src/json/json-strings.js';
import { isNone, parseOrUndefined } from './host-json.js';

/** Enough for as many numbers as a statement has parameters; parsing that many takes 20 ms. */
const MAX_PLAIN_ARGS = MB;

const argsSchema = z.array(z.unknown());

/** Parses the arguments of an SQL statement, a JSON array. */
export function parseSqlArgs(json: string): unknown[] {
  if (isNone(json)) return [];
  if (!isSimple(json, MAX_PLAIN_ARGS)) {
    throw new AppError(
      'invalid_sql',
      `The arguments have more than ${MAX_PLAIN_ARGS} characters beside the content of their texts; pass fewer, or longer ones.`,
    );
  }
  const parsed = argsSchema.safeParse(parseOrUndefined(json, parseExact));
  if (parsed.success) return parsed.data;
  throw new AppError('invalid_sql', `The arguments must be a JSON array, not ${json.slice(0, 100)}.`);
}
