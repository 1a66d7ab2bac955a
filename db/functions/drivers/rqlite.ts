import type { Namespace } from '../../../src/contract/ids.js';
import { MAX_HOST_RESULT_BYTES } from '../../../src/contract/limits.js';
import { AppError } from '../../../src/errors.js';
import { type DecodedResult, decodeResult } from '../../drivers/rqlite/decode.js';
import { encodeStatements } from '../../drivers/rqlite/encode.js';
import { RqliteError } from '../../drivers/rqlite/errors.js';
import { RqliteTransport } from '../../drivers/rqlite/transport.js';
import type { Executor, Operation, Outcome } from '../executor.js';
import { toJsonValue } from '../values.js';
import { parseAddress } from './rqlite-address.js';

export interface RqliteExecutorOptions {
  /**
   * One cluster's nodes, comma-separated. With `{namespace}` in it each namespace has an RQLite of its own; without,
   * there is one, which only `namespace` may use.
   */
  url: string;
  namespace: Namespace;
}

/** Clusters that are kept connected; the least recently used one goes. */
const MAX_CLUSTERS = 1_000;
/** A function waits for its statement: better an error than a wait that takes its whole time. */
const RETRY_FOR_MS = 3_000;
const ENGINE_TABLES =
  "select count(*) as found from sqlite_master where name in ('schema_migrations', 'api_keys', 'attempts')";
/** An answer has some JSON around the rows, and bytes as arrays of numbers. */
const MAX_RESPONSE_BYTES = 5 * MAX_HOST_RESULT_BYTES;

/** A namespace's cluster, and the answer to whether it is fit to be one. */
interface Cluster {
  transport: RqliteTransport;
  checked: Promise<void> | null;
}

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

  /** Asked once of each cluster, and again only if it could not answer. */
  async function transportOf(namespace: Namespace): Promise<RqliteTransport> {
    const cluster = clusterOf(namespace);
    cluster.checked ??= refuseEngine(cluster.transport).catch((error: unknown) => {
      cluster.checked = null;
      throw error;
    });
    await cluster.checked;
    return cluster.transport;
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
        return await send(await transportOf(namespace), operations, options);
      } catch (error) {
        throw toAppError(error, options.timeoutMs, operations.length > 1);
      }
    },
    async ping() {
      // There is no list of namespaces to ask: with one database each, an invocation finds out.
      if (address.isPerNamespace) return;
      await executor.run(only, [{ kind: 'query', sql: 'select 1', verb: 'select', args: [] }], {
        timeoutMs: 5_000,
      });
    },
    close,
  };

  // A wrong address is to be found at the start, not by the first function.
  await executor.ping().catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return executor;
}

/** The engine's secrets, keys and logs must be out of reach of functions, whatever the settings say. */
async function refuseEngine(transport: RqliteTransport): Promise<void> {
  const { results } = await transport.post(
    '/db/query?blob_array',
    encodeStatements([{ sql: ENGINE_TABLES, bindings: [] }]),
    { idempotent: true },
  );
  const [row] = decodeResult(results?.[0] ?? {}).rows;
  if (row?.found !== 3) return;
  throw new AppError(
    'bad_config',
    'FUNCTION_DB_URL names the database in which the engine keeps its own tables; give functions another RQLite.',
  );
}

async function send(
  cluster: RqliteTransport,
  operations: readonly Operation[],
  { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal },
): Promise<Outcome[]> {
  const reads = operations.every(({ kind }) => kind === 'query');
  // The query endpoint has a read-only connection: whatever the guard has missed, it cannot write.
  const path = reads ? '/db/query' : '/db/request';
  const transaction = operations.length > 1 ? '&transaction' : '';
  const deadline = AbortSignal.timeout(timeoutMs);
  const response = await cluster
    .post(
      // db_timeout: a statement that never ends would stop the cluster's every write.
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
  return (response.results ?? []).map((result, at) => {
    const operation = operations[at];
    if (operation === undefined)
      throw new RqliteError('RQLITE_REFUSED', 'there are more results than statements');
    return toOutcome(operation, decodeResult(result, at));
  });
}

function toOutcome({ kind, verb }: Operation, { rows, changes, lastId }: DecodedResult): Outcome {
  let bytes = 2;
  for (const row of rows) {
    for (const column in row) row[column] = toJsonValue(row[column]);
    bytes += Buffer.byteLength(JSON.stringify(row)) + 1;
    if (bytes > MAX_HOST_RESULT_BYTES)
      throw new RqliteError('RQLITE_TOO_LARGE', 'the rows are larger than 8 MB');
  }
  // DDL leaves the counters of an earlier statement as they were.
  const writes =
    kind === 'exec' && (verb === 'insert' || verb === 'replace' || verb === 'update' || verb === 'delete');
  const inserts = verb === 'insert' || verb === 'replace';
  return {
    rows,
    rowsAffected: writes ? changes : 0,
    lastInsertId: writes && inserts && changes > 0 && lastId !== 0 ? lastId : null,
  };
}

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
      return new AppError(
        'unavailable',
        'The RQLite of this namespace cannot be reached; check FUNCTION_DB_URL.',
        options,
      );
    case 'RQLITE_UNAUTHORIZED':
      return new AppError(
        'unavailable',
        'RQLite does not accept the credentials in FUNCTION_DB_URL.',
        options,
      );
    case 'RQLITE_AMBIGUOUS':
      return new AppError(
        'ambiguous_write',
        'RQLite was cut off before it said whether the write took place; look before repeating it.',
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
