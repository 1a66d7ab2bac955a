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
/** Strings are matched too, so that digits in one are passed over. */
const STRING_OR_LARGE_INTEGER = /"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g;

export function parseResponse(text: string): RqliteResponse {
  const safe = /\d{16}/.test(text)
    ? text.replace(STRING_OR_LARGE_INTEGER, (found) =>
        found.startsWith('"') ? found : `${MARK_IN_JSON}${found}"`,
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
  const { columns, values = [] } = result;
  if (columns === undefined) {
    return { rows: [], lastId: result.last_insert_id ?? 0, changes: result.rows_affected ?? 0 };
  }
  const rows = values.map((row) => {
    const record: Record<string, unknown> = {};
    columns.forEach((column, at) => {
      record[column] = decodeValue(row[at]);
    });
    return record;
  });
  return { rows, lastId: 0, changes: rows.length };
}

/** Integers come as numbers where that is exact, else as bigint; bytes as Uint8Array; booleans as SQLite has them. */
function decodeValue(value: unknown): unknown {
  if (value === true) return 1;
  if (value === false) return 0;
  if (Array.isArray(value)) return Uint8Array.from(value as number[]);
  if (typeof value === 'string' && value.startsWith(MARK)) {
    const integer = BigInt(value.slice(MARK.length));
    const exact = integer >= Number.MIN_SAFE_INTEGER && integer <= Number.MAX_SAFE_INTEGER;
    return exact ? Number(integer) : integer;
  }
  return value;
}
