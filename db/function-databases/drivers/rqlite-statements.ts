import { isUtf8 } from 'node:buffer';
import { MAX_HOST_RESULT_BYTES } from '../../../src/contract/limits.js';
import { type DecodedTable, decodeTable, type RqliteResult } from '../../drivers/rqlite/decode.js';
import { encodeStatements } from '../../drivers/rqlite/encode.js';
import { RqliteError, readingWrites } from '../../drivers/rqlite/errors.js';
import { CONSISTENT_READ, type RqliteTransport } from '../../drivers/rqlite/transport.js';
import { exactQuery, notUtf8 } from '../exact-query.js';
import type { BoundStatement, StatementOutcome } from '../executor.js';
import { type Run, runMixed } from './rqlite-mixed.js';
import { toOutcomes } from './rqlite-outcomes.js';

/**
 * The limit of a response: besides the rows it contains JSON syntax, and bytes as arrays of
 * numbers.
 */
const MAX_RESPONSE_BYTES = 5 * MAX_HOST_RESULT_BYTES;

interface SendOptions {
  timeoutMs: number;
  signal?: AbortSignal;
}

interface PostOptions extends SendOptions {
  /** Aborts when the time of all requests of the statements is over. */
  deadline: AbortSignal;
}

/** Runs the statements on a cluster: one alone, several in one transaction. */
export async function send(
  cluster: RqliteTransport,
  operations: readonly BoundStatement[],
  given: SendOptions,
): Promise<StatementOutcome[]> {
  const options = { ...given, deadline: AbortSignal.timeout(given.timeoutMs) };
  const tables = await post(cluster, operations, options);
  const reads = operations.every(({ kind }) => kind === 'query');
  if (!reads || !tables.some(mayBeReplaced)) return toOutcomes(operations, tables);
  // The server replaces invalid UTF-8 by U+FFFD. Running the same queries with texts in hexadecimal
  // tells a replacement from a stored U+FFFD.
  const exact = operations.map((operation, at) => ({
    ...operation,
    sql: exactQuery(operation.sql, tables[at]?.columns.length ?? 0, asHexadecimal),
  }));
  const again = await post(cluster, exact, options);
  return toOutcomes(
    operations,
    again.map((table, at) => fromHexadecimal(table, tables[at]?.columns ?? [], at)),
  );
}

async function post(
  cluster: RqliteTransport,
  operations: readonly BoundStatement[],
  { timeoutMs, deadline, signal }: PostOptions,
): Promise<DecodedTable[]> {
  const run: Run = async (path, statements, { idempotent }) => {
    const transaction = statements.length > 1 ? '&transaction' : '';
    // db_timeout: an endless statement would block all writes of the cluster.
    const level = path === '/db/query' ? CONSISTENT_READ : '';
    const url = `${path}?blob_array&db_timeout=${timeoutMs}ms${transaction}${level}`;
    const response = await cluster.post(url, encodeStatements(statements), {
      idempotent,
      signal: signal === undefined ? deadline : AbortSignal.any([deadline, signal]),
      // Sent again before its deadline, a long statement would run several times at once. A node
      // that does not answer at all is noticed earlier.
      timeoutMs,
      maxResponseBytes: MAX_RESPONSE_BYTES,
    });
    return response.results ?? [];
  };
  const statements = operations.map(({ sql, args }) => ({ sql, bindings: args }));
  const reads = operations.filter(({ kind }) => kind === 'query').length;
  try {
    // The query endpoint uses a read-only connection, so that a statement cannot write even if the
    // guard misses it.
    if (reads === operations.length) return decoded(await run('/db/query', statements, { idempotent: true }));
    const check = (results: readonly RqliteResult[]) => toOutcomes(operations, decoded(results));
    const results =
      reads === 0
        ? await run('/db/execute', statements, { idempotent: false })
        : await runMixed(run, statements, check);
    return readingWrites(() => decoded(results));
  } catch (error) {
    // What was sent may still be executed, unless the server or the transport says otherwise.
    const isUnknown = error instanceof RqliteError && (error.code === 'RQLITE_AMBIGUOUS' || error.inDoubt);
    if (deadline.aborted && !isUnknown)
      throw new RqliteError('RQLITE_TIMEOUT', 'the deadline has passed', { cause: error });
    throw error;
  }
}

function decoded(results: readonly RqliteResult[]): DecodedTable[] {
  return results.map((result, at) => decodeTable(result, at));
}

function mayBeReplaced({ values }: DecodedTable): boolean {
  return values.some((row) => row.some((value) => typeof value === 'string' && value.includes('\ufffd')));
}

function asHexadecimal(name: string): string {
  return `case typeof(${name}) when 'text' then 't' || hex(${name}) when 'blob' then 'b' || hex(${name}) else ${name} end`;
}

function fromHexadecimal(table: DecodedTable, columns: readonly string[], statement: number): DecodedTable {
  const values = table.values.map((row) =>
    row.map((value, at) => {
      if (typeof value !== 'string') return value;
      const bytes = Buffer.from(value.slice(1), 'hex');
      if (value.startsWith('b')) return bytes;
      if (!isUtf8(bytes)) throw new RqliteError('SQLITE_ERROR', notUtf8(columns[at]), { statement });
      return bytes.toString('utf8');
    }),
  );
  return { ...table, columns, values };
}
