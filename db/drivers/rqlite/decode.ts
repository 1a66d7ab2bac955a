import { randomUUID } from 'node:crypto';
import { RqliteError, statementError } from './errors.js';

/** The body of a response, with `blob_array`. */
export interface RqliteResponse {
  results?: RqliteResult[];
  /** The error of the whole request, which is sent with status 200. */
  error?: string;
}

export interface RqliteResult {
  columns?: string[];
  /** The declared types, or the types that SQLite derives for expressions. */
  types?: string[];
  values?: unknown[][];
  /** A text when `parseResponse` marked an integer beyond 2^53. */
  last_insert_id?: number | string;
  rows_affected?: number;
  error?: string;
}

export interface DecodedResult {
  rows: Record<string, unknown>[];
  lastId: number;
  changes: number;
}

/** A result with unprocessed columns, several of which may have the same name. */
export interface DecodedTable {
  columns: readonly string[];
  values: unknown[][];
  lastId: number | bigint;
  changes: number;
}

/**
 * Marks integers that JSON.parse would round. Random per process, so that no stored text can have
 * this prefix.
 */
const MARK = `\u0001${randomUUID()}:`;
const MARK_IN_JSON = `"\\u0001${MARK.slice(1)}`;
const REAL = /real|floa|doub/i;
/**
 * Matches complete strings and numbers, so that digits within a string or after a decimal point are
 * skipped.
 */
const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*(?:"|\\?$)|-?\d[\d.eE+-]*/gs;
const LARGE_INTEGER = /^-?\d{16,}$/;

/**
 * Parses the body of a response without rounding integers. Throws `RQLITE_REFUSED` when it is not
 * JSON.
 */
export function parseResponse(text: string): RqliteResponse {
  const safe = /\d{16}/.test(text)
    ? text.replace(STRING_OR_NUMBER, (found) =>
        LARGE_INTEGER.test(found) ? `${MARK_IN_JSON}${found}"` : found,
      )
    : text;
  try {
    return JSON.parse(safe) as RqliteResponse;
  } catch (cause) {
    // Go's JSON encoder, which the server uses, has no infinite numbers: its error replaces the
    // whole response.
    if (/unsupported value: [+-]?(Inf|NaN)/.test(text))
      throw new RqliteError('SQLITE_ERROR', 'the result contains an infinite number', { cause });
    throw new RqliteError('RQLITE_REFUSED', 'the answer is no JSON: is this an rqlite server?', { cause });
  }
}

/** Converts a result to rows as objects. Throws the error of the statement if there is one. */
export function decodeResult(result: RqliteResult, statement?: number): DecodedResult {
  const { columns, values, lastId, changes } = decodeTable(result, statement);
  const rows = values.map((row) => {
    const record: Record<string, unknown> = {};
    columns.forEach((column, at) => {
      record[column] = row[at];
    });
    return record;
  });
  return { rows, lastId: Number(lastId), changes };
}

/** Converts a result to rows as arrays. Throws the error of the statement if there is one. */
export function decodeTable(result: RqliteResult, statement?: number): DecodedTable {
  if (result.error !== undefined) throw statementError(result.error, statement);
  const { columns, types = [], values = [] } = result;
  if (columns === undefined) {
    const lastId = decodeValue(result.last_insert_id ?? 0, false) as number | bigint;
    return { columns: [], values: [], lastId, changes: result.rows_affected ?? 0 };
  }
  const isReal = types.map((type) => REAL.test(type));
  const decoded = values.map((row) => row.map((value, at) => decodeValue(value, isReal[at] === true)));
  return { columns, values: decoded, lastId: 0, changes: decoded.length };
}

/**
 * Converts a value: integers to numbers where that is exact and to bigints otherwise, bytes to
 * Uint8Array, booleans to 0 and 1 as SQLite stores them.
 */
function decodeValue(value: unknown, isReal: boolean): unknown {
  if (value === true) return 1;
  if (value === false) return 0;
  if (Array.isArray(value)) return Uint8Array.from(value as number[]);
  if (typeof value === 'string' && value.startsWith(MARK)) return toInteger(value.slice(MARK.length), isReal);
  return value;
}

/** Converts marked digits. The server also writes a real such as 1e18 as digits. */
function toInteger(digits: string, isReal: boolean): number | bigint {
  const integer = BigInt(digits);
  const isExact = integer >= Number.MIN_SAFE_INTEGER && integer <= Number.MAX_SAFE_INTEGER;
  return isExact || isReal || BigInt.asIntN(64, integer) !== integer ? Number(digits) : integer;
}
