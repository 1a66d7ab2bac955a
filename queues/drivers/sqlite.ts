import { join } from 'node:path';
import { AppError } from '../../src/errors.js';
import type { HasEnded, QueueLimits, QueueTimings, ShareOf, Warn } from '../driver.js';
import type { Queues } from '../open.js';
import { BullInvocationQueue } from '../queue.js';
import { BullTasks } from '../tasks.js';
import { SqliteConnection } from './sqlite/backend/connection.js';
import { SqliteBacklog } from './sqlite/backlog.js';
import { SqliteDriver } from './sqlite/driver.js';
import { LocalLeases } from './sqlite/leases.js';
import { refuseOldQueue } from './sqlite/old-queue.js';
import { SETUP } from './sqlite/tables.js';
import { UsageIndex } from './sqlite/usage-index.js';

export interface SqliteQueuesOptions extends QueueLimits {
  /** The data directory. The caller must hold its lock. */
  dir: string;
  timings: QueueTimings;
  shareOf?: ShareOf | undefined;
  hasEnded?: HasEnded | undefined;
  warn: Warn;
}

/**
 * Opens queue, backlog, leases and tasks of the embedded engine, for one process per directory.
 * Rejects with `bad_config` when the database cannot be opened.
 */
export async function openSqliteQueues({
  dir,
  timings,
  shareOf,
  hasEnded,
  warn,
  ...limits
}: SqliteQueuesOptions): Promise<Queues> {
  await refuseOldQueue(join(dir, 'queue'));
  const connection = await connect(join(dir, 'queue.db'));
  const driver = new SqliteDriver(connection, await UsageIndex.read(connection), limits, warn, dir);
  const queue = new BullInvocationQueue(driver, { timings, warn, shareOf, hasEnded });
  const tasks = await BullTasks.open(driver, timings, warn);
  const backlog = new SqliteBacklog(connection);
  const leases = new LocalLeases();
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await leases.close();
    await backlog.close();
    await tasks.close();
    await queue.close();
    await connection.close();
  };
  return {
    queue,
    backlog,
    leases,
    tasks,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

async function connect(path: string): Promise<SqliteConnection> {
  try {
    const connection = new SqliteConnection({ path, events: false, setup: SETUP });
    await connection.ready;
    return connection;
  } catch (cause) {
    throw new AppError(
      'bad_config',
      `The queue's database ${path} cannot be opened; see that the directory is writable and its disk not full.`,
      { cause },
    );
  }
}
