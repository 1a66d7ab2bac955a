/** A statement and the values of its `?` placeholders. */
export interface RqliteStatement {
  sql: string;
  bindings: readonly unknown[];
}

/**
 * Matches strings that look like a blob literal. The server would store `x'41'` as a blob, so such
 * strings are sent as bytes and cast to text.
 */
const BLOB_LITERAL = /^\s*x'[\da-f]*'\s*$/i;

/**
 * Matches placeholders, and everything that can contain a `?` that is not one: literals, quoted
 * names, comments. One without an end extends to the end of the statement.
 */
const PLACEHOLDER =
  /'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|`(?:[^`]|``)*(?:`|$)|\[[^\]]*(?:\]|$)|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|\?\d*/g;

/**
 * Encodes the body of a request. The JSON is built by hand, because JSON.stringify rejects bigints
 * and encodes bytes as objects.
 */
export function encodeStatements(statements: readonly RqliteStatement[]): string {
  return `[${statements.map(encodeStatement).join(',')}]`;
}

function encodeStatement({ sql, bindings }: RqliteStatement): string {
  const cast = new Set<number>();
  let values = '';
  bindings.forEach((binding, at) => {
    if (typeof binding === 'string' && BLOB_LITERAL.test(binding)) {
      cast.add(at);
      values += `,${JSON.stringify([...Buffer.from(binding)])}`;
    } else {
      values += `,${encodeValue(binding)}`;
    }
  });
  return `[${JSON.stringify(cast.size === 0 ? sql : withCasts(sql, cast))}${values}]`;
}

/**
 * Adds casts to placeholders. `?3` has an explicit number; a bare `?` gets the number after the
 * highest so far.
 */
function withCasts(sql: string, cast: ReadonlySet<number>): string {
  let highest = 0;
  return sql.replace(PLACEHOLDER, (match) => {
    if (!match.startsWith('?')) return match;
    const number = match === '?' ? highest + 1 : Number(match.slice(1));
    highest = Math.max(highest, number);
    return cast.has(number - 1) ? `CAST(${match} AS TEXT)` : match;
  });
}

function encodeValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'number':
      return Number.isFinite(value) ? String(Object.is(value, -0) ? 0 : value) : 'null';
    case 'bigint':
      return value.toString();
    case 'boolean':
      return value ? '1' : '0';
    case 'undefined':
      return 'null';
  }
  if (value === null) return 'null';
  if (value instanceof Date) return String(value.getTime());
  if (value instanceof Uint8Array) return `"x'${toHex(value)}'"`;
  return JSON.stringify(JSON.stringify(value));
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}
