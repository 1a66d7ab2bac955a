import type { Backlog } from '../src/ports/backlog.js';
import type { Closable } from '../src/ports/closable.js';
import type { Leases } from '../src/ports/leases.js';
import type { InvocationQueue } from '../src/ports/queue.js';
import type { Tasks } from '../src/ports/tasks.js';
import type { HasEnded, LimitsOf, QueueDriver, QueueLimits, QueueTimings, Warn } from './driver.js';
import { BullInvocationQueue } from './queue.js';
import { BullTasks } from './tasks.js';

/** The queue and the ports that share its server; `close` closes all of them. */
export interface Queues extends Closable {
  queue: InvocationQueue;
  backlog: Backlog;
  leases: Leases;
  tasks: Tasks;
}

/** The options of every driver of the queue. See `QueuesOptions`. */
export interface BullQueuesOptions extends QueueLimits {
  timings: QueueTimings;
  limitsOf?: LimitsOf | undefined;
  hasEnded?: HasEnded | undefined;
  warn: Warn;
}

/** The parts of `Queues` that each driver implements itself. */
export interface BullQueuesParts {
  driver: QueueDriver;
  backlog: Backlog;
  leases: Leases;
  /** Closes the connection to the server that the others share. */
  disconnect(): Promise<void>;
}

/** Adds the queue and the tasks to the parts of a driver; `close` closes all of them. */
export async function openBullQueues(
  { driver, backlog, leases, disconnect }: BullQueuesParts,
  { timings, warn, limitsOf, hasEnded }: BullQueuesOptions,
): Promise<Queues> {
  const queue = new BullInvocationQueue(driver, { timings, warn, limitsOf, hasEnded });
  const tasks = await BullTasks.open(driver, timings, warn);
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    // The jobs that still run need leases and backlog until they have ended.
    await tasks.close();
    await queue.close();
    await leases.close();
    await backlog.close();
    await disconnect();
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
