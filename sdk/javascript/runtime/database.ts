// `env.DB`, with the API of Cloudflare D1.
import { bytesOf } from './bytes.js';
import * as host from './host.js';

type Row = Record<string, unknown>;
interface Meta {
  changes: number;
  rows_read: number;
}
interface Result {
  success: true;
  results: Row[];
  meta: Meta;
}

/** Comments, and quoted texts and names; one without an end extends to the end of the text. */
const QUOTED = /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'[^']*(?:'|$)|"[^"]*(?:"|$)|`[^`]*(?:`|$)|\[[^\]]*(?:\]|$)/g;
const TOKENS = /[()]|replace\s+into\b|[\w$\u0080-\uffff]+/gi;

/**
 * Whether a statement only reads; one that begins with WITH has its verb outside all parentheses.
 */
function reads(sql: string): boolean {
  let depth = 0;
  let isWith = false;
  for (const [token] of sql.replace(QUOTED, ' ').matchAll(TOKENS)) {
    if (token === '(') depth += 1;
    else if (token === ')') depth -= 1;
    else if (depth === 0) {
      const word = token.toLowerCase();
      if (word === 'select' || (isWith && word === 'values')) return true;
      if (!isWith && word !== 'with') return false;
      if (/^(?:insert|update|delete|replace\s+into)$/.test(word)) return false;
      isWith = true;
    }
  }
  return false;
}

class Statement {
  readonly #sql: string;
  readonly #values: readonly unknown[];

  constructor(sql: string, values: readonly unknown[]) {
    this.#sql = sql;
    this.#values = values;
  }

  bind(...values: unknown[]): Statement {
    return new Statement(this.#sql, values);
  }

  async all(): Promise<Result> {
    if (!reads(this.#sql)) return this.run();
    const results = this.#query();
    return { success: true, results, meta: { changes: 0, rows_read: results.length } };
  }

  async first(column?: string): Promise<unknown> {
    const [row] = (await this.all()).results;
    if (row === undefined) return null;
    if (column === undefined) return row;
    if (!Object.hasOwn(row, column)) throw new Error(`There is no column ${column} in the result`);
    return row[column];
  }

  async raw(options?: { columnNames?: boolean }): Promise<unknown[][]> {
    const { results } = await this.all();
    const rows = results.map((row) => Object.values(row));
    return options?.columnNames === true ? [Object.keys(results[0] ?? {}), ...rows] : rows;
  }

  async run(): Promise<Result> {
    if (reads(this.#sql)) return this.all();
    const changes = host.dbExecute(this.#sql, encode(this.#values));
    if (changes < 0) throw new Error('The database refused the statement; the log says why');
    return { success: true, results: [], meta: { changes, rows_read: 0 } };
  }

  #query(): Row[] {
    const rows = host.dbQuery(this.#sql, encode(this.#values));
    if (rows === null) throw new Error('The database refused the query; the log says why');
    return decode(rows);
  }
}

declare global {
  interface JSON {
    /** Creates a value whose text is serialized verbatim. */
    rawJSON(text: string): unknown;
  }
}

/** Encodes arguments for the host: bytes as `{"$blob": base64}`, integers with all digits. */
function encode(values: readonly unknown[]): string {
  return JSON.stringify(values.map(encodeValue));
}

function encodeValue(value: unknown): unknown {
  if (typeof value === 'bigint') return JSON.rawJSON(value.toString());
  // JSON would write its digits, as an integer that no column can hold.
  if (typeof value === 'number' && Number.isFinite(value) && Math.abs(value) >= 2 ** 63)
    return JSON.rawJSON(value.toExponential());
  const bytes = bytesOf(value);
  return bytes === null ? (value ?? null) : { $blob: bytes.toBase64() };
}

/** Matches texts with blobs, or with numbers that have enough digits to exceed the safe range. */
const SPECIAL = /"\$blob"|\d{16}/;
const INTEGER = /^-?\d+$/;

/** Decodes blobs to bytes, and integers beyond 2^53 to bigints. */
function decode(text: string): Row[] {
  if (!SPECIAL.test(text)) return JSON.parse(text) as Row[];
  return JSON.parse(text, (_key: string, value: unknown, context?: { source?: string }) => {
    const digits = context?.source;
    if (
      typeof value === 'number' &&
      !Number.isSafeInteger(value) &&
      digits !== undefined &&
      INTEGER.test(digits)
    ) {
      return BigInt(digits);
    }
    if (typeof value !== 'object' || value === null || !('$blob' in value)) return value;
    return typeof value.$blob === 'string' ? Uint8Array.fromBase64(value.$blob) : value;
  }) as Row[];
}

export const DB = {
  prepare: (sql: string) => new Statement(String(sql), []),
  /**
   * Runs the statements one after another. Not a transaction, as the engine's database has none
   * across statements.
   */
  async batch(statements: readonly Statement[]): Promise<Result[]> {
    const results: Result[] = [];
    for (const statement of statements) results.push(await statement.all());
    return results;
  },
};
