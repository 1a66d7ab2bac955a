import type { BackendFactory, WorkerOptions } from 'bullmq';
import { SqliteQueueBackend } from './backend.js';
import { SqliteConnection, type SqliteConnectionOptions } from './connection.js';

/**
 * For `withBackend`, or as the `backendFactory` of a single queue. All queues and workers of a
 * process that name the same file share its connection, which ends with the last of them; a
 * `SqliteConnection` of one's own ends when it is closed.
 */
export const createSqliteBackend: BackendFactory<
  SqliteQueueBackend,
  SqliteConnectionOptions | SqliteConnection
> = (name, opts, { blocking = false, withBlockingConnection = false } = {}) => {
  const ownsConnection = !(opts.connection instanceof SqliteConnection);
  const connection =
    opts.connection instanceof SqliteConnection ? opts.connection : SqliteConnection.acquire(opts.connection);
  const { name: workerName } = opts as Partial<WorkerOptions>;
  // The names by which BullMQ's getWorkers and getQueueEvents find their own.
  const suffix = workerName === undefined ? '' : `:w:${workerName}`;
  const clientName = withBlockingConnection ? `${name}${suffix}` : blocking ? `${name}:qe` : undefined;
  return new SqliteQueueBackend(connection, name, opts, {
    ownsConnection,
    waitsOutFaults: withBlockingConnection,
    ...(clientName === undefined ? {} : { clientName }),
  });
};
