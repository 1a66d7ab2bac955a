import { join } from 'node:path';
import { AppError, messageOf } from '../../src/errors.js';
import { type BullQueuesOptions, openBullQueues, type Queues } from '../bull-queues.js';
import { SqliteConnection } from './sqlite/backend/connection.js';
import { SqliteBacklog } from './sqlite/backlog.js';
import { SqliteDriver } from './sqlite/driver.js';
import { LocalLeases } from './sqlite/leases.js';
import { SETUP } from './sqlite/tables.js';
import { UsageIndex } from './sqlite/usage-index.js';

export interface SqliteQueuesOptions extends BullQueuesOptions {
  /** The data directory. The caller must hold its lock. */
  dir: string;
}

/**
 * Opens queue, backlog, leases and tasks of the embedded engine, for one process per directory.
 * Rejects with `bad_config` when the database cannot be opened.
 */
export async function openSqliteQueues(options: SqliteQueuesOptions): Promise<Queues> {
  const { dir, warn } = options;
  const connection = await connect(join(dir, 'queue.db'));
  const driver = new SqliteDriver(connection, await UsageIndex.read(connection), options, warn, dir);
  // The clock may have been set back while no process was running.
  await driver.shortenDelays();
  const backlog = new SqliteBacklog(connection);
  const leases = new LocalLeases();
  return openBullQueues({ driver, backlog, leases, disconnect: () => connection.close() }, options);
}

async function connect(path: string): Promise<SqliteConnection> {
  try {
    const connection = new SqliteConnection({ path, events: false, setup: SETUP });
    await connection.ready;
    return connection;
  } catch (cause) {
    throw new AppError(
      'bad_config',
      `The queue's database cannot be opened: ${messageOf(cause)}; see that the directory is writable and its disk not full.`,
      { cause },
    );
  }
}
