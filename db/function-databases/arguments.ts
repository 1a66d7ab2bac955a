import { AppError } from '../../src/errors.js';
import type { SqlArgs } from '../../src/ports/function-databases.js';

/** A value that can be bound to a `?` on every driver. */
export type SqlArgument = string | number | bigint | Uint8Array | null;

const MAX_ARGUMENTS = 32_766;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/**
 * Converts JSON values to SQLite's types. Throws `invalid_sql` that names the first argument that
 * cannot be converted.
 */
export function toArguments(args: SqlArgs): SqlArgument[] {
  if (args.length > MAX_ARGUMENTS) {
    throw new AppError(
      'invalid_sql',
      `A statement takes at most ${MAX_ARGUMENTS} arguments, not ${args.length}.`,
    );
  }
  return args.map((value, at) => toArgument(value, at + 1));
}

function toArgument(value: unknown, number: number): SqlArgument {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
      if (!Number.isFinite(value)) throw refused(number, 'is no finite number');
      return value;
    case 'boolean':
      return value ? 1 : 0;
    case 'bigint':
      if (BigInt.asIntN(64, value) !== value) throw refused(number, 'is an integer of more than 64 bits');
      return value;
    case 'undefined':
      return null;
  }
  if (value === null) return null;
  const blob = isBlob(value) ? value.$blob : null;
  if (blob !== null && BASE64.test(blob)) return Buffer.from(blob, 'base64');
  throw refused(number, 'is neither a string, a number, a boolean, null nor {"$blob": "<base64>"}');
}

function isBlob(value: unknown): value is { $blob: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.keys(value).length === 1 &&
    '$blob' in value &&
    typeof value.$blob === 'string'
  );
}

function refused(number: number, reason: string): AppError {
  return new AppError('invalid_sql', `Argument ${number} of the statement ${reason}.`);
}
