import { join } from 'node:path';
import type { QueueLimits, QueueTimings, ShareOf, Warn } from '../driver.js';
import type { Queues } from '../open.js';
import { BullInvocationQueue } from '../queue.js';
import { BullTasks } from '../tasks.js';
import { PgliteBacklog } from './pglite/backlog.js';
import { PgliteDatabase } from './pglite/database.js';
import { PgliteDriver } from './pglite/driver.js';
import { LocalLeases } from './pglite/leases.js';

export interface PgliteQueuesOptions extends QueueLimits {
  /** The data directory, locked by the caller. */
  dir: string;
  timings: QueueTimings;
  shareOf?: ShareOf | undefined;
  warn: Warn;
}

/** Queue, backlog and leases of the embedded engine: one process on one directory. */
export async function openPgliteQueues(settings: PgliteQueuesOptions): Promise<Queues> {
  const database = await PgliteDatabase.open(join(settings.dir, 'queue'));
  const queues = await openQueuesOn(database, settings);
  let closing: Promise<void> | undefined;
  return {
    ...queues,
    close: () => {
      closing ??= queues.close().then(() => database.end());
      return closing;
    },
  };
}

/** The same on a database that its owner closes. */
export async function openQueuesOn(
  database: PgliteDatabase,
  { dir, timings, shareOf, warn, ...limits }: PgliteQueuesOptions,
): Promise<Queues> {
  const driver = await PgliteDriver.open(database, limits, warn, dir);
  const queue = new BullInvocationQueue(driver, timings, warn, shareOf);
  const tasks = await BullTasks.open(driver, timings, warn);
  const backlog = new PgliteBacklog(database);
  const leases = new LocalLeases();
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await leases.close();
    await backlog.close();
    await tasks.close();
    await queue.close();
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
