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
  last_insert_id?: number;
  rows_affected?: number;
  error?: string;
}

export interface DecodedResult {
  rows: Record<string, unknown>[];
  lastId: number;
  changes: number;
}

/** Marks an integer that JSON.parse would round. Made anew in each process, so that no stored text can look like one. */
const MARK = `\u0001${randomUUID()}:`;
const MARK_IN_JSON = `"\\u0001${MARK.slice(1)}`;
const REAL = /real|floa|doub/i;
/** Whole strings and whole numbers are matched, so that digits in a text or behind a point are passed over. */
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
    throw new RqliteError('RQLITE_REFUSED', 'the answer is no JSON: is this an rqlite server?', { cause });
  }
}

/** Rows as objects. Throws the statement's error if it has one. */
export function decodeResult(result: RqliteResult, statement?: number): DecodedResult {
  if (result.error !== undefined) throw statementError(result.error, statement);
  const { columns, types = [], values = [] } = result;
  if (columns === undefined) {
    return { rows: [], lastId: result.last_insert_id ?? 0, changes: result.rows_affected ?? 0 };
  }
  const isReal = types.map((type) => REAL.test(type));
  const rows = values.map((row) => {
    const record: Record<string, unknown> = {};
    columns.forEach((column, at) => {
      record[column] = decodeValue(row[at], isReal[at] === true);
    });
    return record;
  });
  return { rows, lastId: 0, changes: rows.length };
}

/** Integers come as numbers where that is exact, else as bigint; bytes as Uint8Array; booleans as SQLite has them. */
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
