import type { BackendFactory, WorkerOptions } from 'bullmq';
import { SqliteQueueBackend } from './backend.js';
import { SqliteConnection, type SqliteConnectionOptions } from './connection.js';

/**
 * The backend factory, for `withBackend` or as the `backendFactory` of one queue. All queues and
 * workers of a process that name the same file share one connection, which the last of them closes.
 * A `SqliteConnection` passed as `connection` is closed by its owner.
 */
export const createSqliteBackend: BackendFactory<
  SqliteQueueBackend,
  SqliteConnectionOptions | SqliteConnection
> = (name, opts, { blocking = false, withBlockingConnection = false } = {}) => {
  const ownsConnection = !(opts.connection instanceof SqliteConnection);
  const connection =
    opts.connection instanceof SqliteConnection ? opts.connection : SqliteConnection.acquire(opts.connection);
  const { name: workerName } = opts as Partial<WorkerOptions>;
  // BullMQ's getWorkers and getQueueEvents find clients by these names.
  const suffix = workerName === undefined ? '' : `:w:${workerName}`;
  const clientName = withBlockingConnection ? `${name}${suffix}` : blocking ? `${name}:qe` : undefined;
  return new SqliteQueueBackend(connection, name, opts, {
    ownsConnection,
    waitsOutFaults: withBlockingConnection,
    ...(clientName === undefined ? {} : { clientName }),
  });
};
