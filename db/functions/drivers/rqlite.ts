import { isUtf8 } from 'node:buffer';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Namespace } from '../../../src/contract/ids.js';
import { MAX_HOST_RESULT_BYTES } from '../../../src/contract/limits.js';
import { AppError } from '../../../src/errors.js';
import { type DecodedTable, decodeResult, decodeTable } from '../../drivers/rqlite/decode.js';
import { encodeStatements } from '../../drivers/rqlite/encode.js';
import { RqliteError } from '../../drivers/rqlite/errors.js';
import { RqliteTransport } from '../../drivers/rqlite/transport.js';
import { forOperator } from '../../for-operator.js';
import { isAllowedModule } from '../allowed-names.js';
import { findRefusedName } from '../calls.js';
import { exactQuery, notUtf8 } from '../exact-query.js';
import { type BoundStatement, changesRows, type Executor, type StatementOutcome } from '../executor.js';
import { RowWriter } from '../rows.js';
import { guard, refused } from '../statement.js';
import { tokenize } from '../tokens.js';
import { toJsonValue } from '../values.js';
import { parseAddress } from './rqlite-address.js';

export interface RqliteExecutorOptions {
  /**
   * The nodes of a cluster, comma-separated. With `{namespace}`, each namespace has its own RQLite;
   * without, there is a single one that only `namespace` may use.
   */
  url: string;
  namespace: Namespace;
}

/** The number of clusters with open connections; the least recently used one is closed. */
const MAX_CLUSTERS = 1_000;
/**
 * How long a request is retried, in milliseconds: a function waits for its statement, so an early
 * error is better than a wait that takes its whole timeout.
 */
const RETRY_FOR_MS = 3_000;
/** Selects the eponymous tables of the server, if it has any. */
const MODULES = 'select distinct lower(name) as name from pragma_module_list';
const SIZE = 'select page_count * page_size as bytes from pragma_page_count(), pragma_page_size()';
const SIZE_TIMEOUT_MS = 30_000;
const ENGINE_TABLES =
  "select count(*) as found from sqlite_master where name in ('schema_migrations', 'api_keys', 'attempts')";
/**
 * The limit of a response: besides the rows it contains JSON syntax, and bytes as arrays of
 * numbers.
 */
const MAX_RESPONSE_BYTES = 5 * MAX_HOST_RESULT_BYTES;

/** How long writing the rows of a result may block the event loop, in milliseconds. */
const MAX_BLOCKED_MS = 5;

/**
 * The cluster of a namespace, and the result of the check of its server: the modules that were not
 * reviewed.
 */
interface Cluster {
  transport: RqliteTransport;
  checked: Promise<ReadonlySet<string>> | null;
}

/**
 * Opens the functions' databases on RQLite. Rejects with `unavailable`, or with `bad_config` when
 * the URL is that of the engine's own database.
 */
export async function openRqliteExecutor({ url, namespace: only }: RqliteExecutorOptions): Promise<Executor> {
  const address = parseAddress(url);
  const clusters = new Map<string, Cluster>();
  let closed = false;

  function clusterOf(namespace: Namespace): Cluster {
    if (closed) throw new AppError('unavailable', 'The functions’ databases are closed.');
    if (!address.isPerNamespace && namespace !== only) {
      throw new AppError(
        'forbidden',
        `The functions’ database belongs to namespace ${only}; the operator gives ${namespace} one of its own ` +
          'with {namespace} in FUNCTION_DB_URL.',
      );
    }
    const key = address.isPerNamespace ? namespace : '';
    const cluster = clusters.get(key) ?? { transport: connect(namespace), checked: null };
    clusters.delete(key);
    clusters.set(key, cluster);
    for (const [oldest, { transport }] of clusters) {
      if (clusters.size <= MAX_CLUSTERS) break;
      clusters.delete(oldest);
      void transport.close();
    }
    return cluster;
  }

  function connect(namespace: Namespace): RqliteTransport {
    return new RqliteTransport({ urls: address.urlsFor(namespace), retryForMs: RETRY_FOR_MS });
  }

  /** Checks each cluster once, and again only if the check failed. */
  async function checked(
    namespace: Namespace,
  ): Promise<{ transport: RqliteTransport; unreviewed: ReadonlySet<string> }> {
    const cluster = clusterOf(namespace);
    cluster.checked ??= checkServer(cluster.transport).catch((error: unknown) => {
      cluster.checked = null;
      throw error;
    });
    return { transport: cluster.transport, unreviewed: await cluster.checked };
  }

  async function close(): Promise<void> {
    closed = true;
    await Promise.all([...clusters.values()].map(({ transport }) => transport.close()));
    clusters.clear();
  }

  const executor: Executor = {
    driver: 'rqlite',
    async run(namespace, operations, options) {
      try {
        const { transport, unreviewed } = await checked(namespace);
        if (unreviewed.size > 0) for (const { sql } of operations) refuseTables(sql, unreviewed);
        return await send(transport, operations, options);
      } catch (error) {
        throw toAppError(error, options.timeoutMs, operations.length > 1);
      }
    },
    async bytes(namespace) {
      if (!address.isPerNamespace && namespace !== only) return 0;
      try {
        const { transport } = await checked(namespace);
        const body = encodeStatements([{ sql: SIZE, bindings: [] }]);
        const { results = [] } = await transport.post('/db/query', body, { idempotent: true });
        return Number(decodeResult(results[0] ?? {}).rows[0]?.bytes ?? 0);
      } catch (error) {
        throw toAppError(error, SIZE_TIMEOUT_MS, false);
      }
    },
    async ping() {
      // There is no list of namespaces to check; with one database each, an invocation reports the
      // error.
      if (address.isPerNamespace) return;
      await executor.run(only, [{ kind: 'query', ...guard('select 1', 'query'), args: [] }], {
        timeoutMs: 5_000,
      });
    },
    close,
  };

  // Detect a wrong address at start rather than in the first function.
  await executor.ping().catch(async (error: unknown) => {
    await close();
    throw forOperator(error);
  });
  return executor;
}

/**
 * Ensures that functions cannot access the engine's secrets, keys and logs, regardless of the
 * settings: throws `bad_config` if the database has the engine's tables. Returns the tables of the
 * server's build and extensions that were not reviewed.
 */
async function checkServer(transport: RqliteTransport): Promise<ReadonlySet<string>> {
  const { results = [] } = await transport.post(
    '/db/query?blob_array',
    encodeStatements([
      { sql: ENGINE_TABLES, bindings: [] },
      { sql: MODULES, bindings: [] },
    ]),
    { idempotent: true },
  );
  const [engine, modules] = [0, 1].map((at) => decodeResult(results[at] ?? {}).rows);
  if (engine?.[0]?.found !== 3) {
    const names = (modules ?? []).map(({ name }) => String(name));
    return new Set(names.filter((name) => !isAllowedModule(name) && !name.startsWith('pragma_')));
  }
  throw new AppError(
    'bad_config',
    'FUNCTION_DB_URL names the database in which the engine keeps its own tables; give functions another RQLite.',
  );
}

function refuseTables(sql: string, unreviewed: ReadonlySet<string>): void {
  const tokens = tokenize(sql);
  const name = typeof tokens === 'string' ? tokens : findRefusedName(tokens, unreviewed);
  if (name !== null)
    throw refused(`${name} may not be used in a statement: it is a table that the server brings`);
}

type SendOptions = { timeoutMs: number; signal?: AbortSignal };

async function send(
  cluster: RqliteTransport,
  operations: readonly BoundStatement[],
  options: SendOptions,
): Promise<StatementOutcome[]> {
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
  { timeoutMs, signal }: SendOptions,
): Promise<DecodedTable[]> {
  const reads = operations.every(({ kind }) => kind === 'query');
  // The query endpoint uses a read-only connection, so that a statement cannot write even if the
  // guard misses it.
  const path = reads ? '/db/query' : '/db/request';
  const transaction = operations.length > 1 ? '&transaction' : '';
  const deadline = AbortSignal.timeout(timeoutMs);
  const response = await cluster
    .post(
      // db_timeout: an endless statement would block all writes of the cluster.
      `${path}?blob_array&db_timeout=${timeoutMs}ms${transaction}`,
      encodeStatements(operations.map(({ sql, args }) => ({ sql, bindings: args }))),
      {
        idempotent: reads,
        signal: signal === undefined ? deadline : AbortSignal.any([deadline, signal]),
        maxResponseBytes: MAX_RESPONSE_BYTES,
      },
    )
    .catch((error: unknown) => {
      if (deadline.aborted)
        throw new RqliteError('RQLITE_TIMEOUT', 'the deadline has passed', { cause: error });
      throw error;
    });
  return (response.results ?? []).map((result, at) => decodeTable(result, at));
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

async function toOutcomes(
  operations: readonly BoundStatement[],
  tables: readonly DecodedTable[],
): Promise<StatementOutcome[]> {
  const outcomes: StatementOutcome[] = [];
  for (const [at, table] of tables.entries()) outcomes.push(await toOutcome(operations[at], table));
  return outcomes;
}

async function toOutcome(
  operation: BoundStatement | undefined,
  table: DecodedTable,
): Promise<StatementOutcome> {
  if (operation === undefined)
    throw new RqliteError('RQLITE_REFUSED', 'there are more results than statements');
  const { kind, verb } = operation;
  const rows = new RowWriter(table.columns);
  let since = performance.now();
  for (const row of table.values) {
    if (!rows.add(row.map(toJsonValue)))
      throw new RqliteError('RQLITE_TOO_LARGE', 'the rows are larger than 8 MB');
    if (performance.now() - since < MAX_BLOCKED_MS) continue;
    await nextTurn();
    since = performance.now();
  }
  // DDL leaves the counters of an earlier statement unchanged.
  const writes = kind === 'exec' && changesRows(verb);
  const inserts = verb === 'insert' || verb === 'replace';
  const { changes, lastId } = table;
  return {
    rows: rows.finish(),
    rowsAffected: writes ? changes : 0,
    lastInsertId: writes && inserts && changes > 0 && lastId !== 0 ? lastId : null,
  };
}

const UNREACHABLE = 'The database of this namespace cannot be reached right now; try again in a moment.';

function toAppError(error: unknown, timeoutMs: number, numbered: boolean): AppError {
  if (error instanceof AppError) return error;
  if (!(error instanceof RqliteError))
    return new AppError('internal', "The functions’ database failed; the engine's log has the details.", {
      cause: error,
    });
  const options = { cause: error };
  switch (error.code) {
    case 'RQLITE_UNAVAILABLE':
    case 'RQLITE_REFUSED':
      return new AppError('unavailable', UNREACHABLE, {
        cause: new AppError(
          'bad_config',
          'The RQLite of FUNCTION_DB_URL cannot be reached; check the URL and the server.',
          options,
        ),
      });
    case 'RQLITE_UNAUTHORIZED':
      return new AppError('unavailable', UNREACHABLE, {
        cause: new AppError(
          'bad_config',
          'RQLite does not accept the credentials in FUNCTION_DB_URL.',
          options,
        ),
      });
    case 'RQLITE_AMBIGUOUS':
      return new AppError(
        'ambiguous_write',
        'The connection to the database was lost before it confirmed the write; check whether the write took place before repeating it.',
        options,
      );
    case 'RQLITE_TIMEOUT':
      return new AppError(
        'unavailable',
        `The statement was stopped: it did not end within ${timeoutMs} ms.`,
        options,
      );
    case 'RQLITE_ABORTED':
      return new AppError('unavailable', 'The statement was stopped: its invocation has ended.', options);
    case 'SQLITE_FULL':
    case 'SQLITE_IOERR':
    case 'SQLITE_BUSY':
      return new AppError(
        'unavailable',
        'The database cannot take the statement right now; try again in a moment.',
        options,
      );
    case 'RQLITE_TOO_LARGE':
      return new AppError(
        'invalid_sql',
        'The result is larger than 8 MB; select fewer rows or columns.',
        options,
      );
    case 'SQLITE_READONLY':
      return new AppError('invalid_sql', 'A query only reads; use execute to write.', options);
    default: {
      const where = numbered && error.statement !== undefined ? `Operation ${error.statement + 1}: ` : '';
      return new AppError('invalid_sql', `${where}${error.reason}.`, options);
    }
  }
}
