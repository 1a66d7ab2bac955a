import { randomUUID } from 'node:crypto';
import { RqliteError, statementError } from './errors.js';

/** What the server answers, with `blob_array`. */
export interface RqliteResponse {
  results?: RqliteResult[];
  /** The whole request failed; it comes with status 200. */
  error?: string;
}

export interface RqliteResult {
  columns?: string[];
  /** As declared, or what SQLite makes of an expression. */
  types?: string[];
  values?: unknown[][];
  /** A text that marks an integer beyond 2^53. */
  last_insert_id?: number | string;
  rows_affected?: number;
  error?: string;
}

export interface DecodedResult {
  rows: Record<string, unknown>[];
  lastId: number;
  changes: number;
}

/** A result as it came, with columns that may have one name. */
export interface DecodedTable {
  columns: readonly string[];
  values: unknown[][];
  lastId: number | bigint;
  changes: number;
}

/**
 * Marks an integer that JSON.parse would round. Made anew in each process, so that no stored text
 * can look like one.
 */
const MARK = `\u0001${randomUUID()}:`;
const MARK_IN_JSON = `"\\u0001${MARK.slice(1)}`;
const REAL = /real|floa|doub/i;
/**
 * Whole strings and whole numbers are matched, so that digits in a text or behind a point are
 * passed over.
 */
const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;
const LARGE_INTEGER = /^-?\d{16,}$/;

export function parseResponse(text: string): RqliteResponse {
  const safe = /\d{16}/.test(text)
    ? text.replace(STRING_OR_NUMBER, (found) =>
        LARGE_INTEGER.test(found) ? `${MARK_IN_JSON}${found}"` : found,
      )
    : text;
  try {
    return JSON.parse(safe) as RqliteResponse;
  } catch (cause) {
    // The server's JSON has no infinite number, and it says so in place of the whole answer.
    if (/unsupported value: [+-]?(Inf|NaN)/.test(text))
      throw new RqliteError('SQLITE_ERROR', 'the result holds an infinite number', { cause });
    throw new RqliteError('RQLITE_REFUSED', 'the answer is no JSON: is this an rqlite server?', { cause });
  }
}

/** Rows as objects. Throws the statement's error if it has one. */
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

/** Throws the statement's error if it has one. */
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
 * Integers come as numbers where that is exact, else as bigint; bytes as Uint8Array; booleans as
 * SQLite has them.
 */
function decodeValue(value: unknown, isReal: boolean): unknown {
  if (value === true) return 1;
  if (value === false) return 0;
  if (Array.isArray(value)) return Uint8Array.from(value as number[]);
  if (typeof value === 'string' && value.startsWith(MARK)) return toInteger(value.slice(MARK.length), isReal);
  return value;
}

/** The server writes a real like 1e18 in digits too. */
function toInteger(digits: string, isReal: boolean): number | bigint {
  const integer = BigInt(digits);
  const isExact = integer >= Number.MIN_SAFE_INTEGER && integer <= Number.MAX_SAFE_INTEGER;
  return isExact || isReal || BigInt.asIntN(64, integer) !== integer ? Number(digits) : integer;
}
