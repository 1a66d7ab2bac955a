/** A statement with the values of its `?`. */
export interface RqliteStatement {
  sql: string;
  bindings: readonly unknown[];
}

/**
 * Strings that look like a blob literal are stored as blobs by the server: `x'41'` would come back
 * as bytes. They are sent as bytes and cast to text.
 */
const BLOB_LITERAL = /^\s*x'[\da-f]*'\s*$/i;

/** `?`, and what may hold one that is no placeholder: literals, quoted names, comments. */
const PLACEHOLDER =
  /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|\?\d*/g;

/**
 * The body of a request: JSON, written by hand because JSON.stringify refuses bigints and turns
 * bytes into objects.
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

/** `?3` names its value, a bare `?` takes the one behind the highest so far. */
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
