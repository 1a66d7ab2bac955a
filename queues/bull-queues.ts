import type { Backlog } from '../src/ports/backlog.js';
import type { Closable } from '../src/ports/closable.js';
import type { Leases } from '../src/ports/leases.js';
import type { InvocationQueue } from '../src/ports/queue.js';
import type { Tasks } from '../src/ports/tasks.js';
import type { QueueDriver, QueueLimits } from './driver.js';
import { BullInvocationQueue, type InvocationQueueOptions } from './queue.js';
import { BullTasks } from './tasks.js';

/** The queue and the ports that share its server; `close` closes all of them. */
export interface Queues extends Closable {
  queue: InvocationQueue;
  backlog: Backlog;
  leases: Leases;
  tasks: Tasks;
}

/** The options of every driver of the queue. */
export interface BullQueuesOptions extends QueueLimits, InvocationQueueOptions {}

/** The parts of `Queues` that each driver implements itself. */
export interface BullQueuesParts {
  driver: QueueDriver;
  backlog: Backlog;
  leases: Leases;
  /** Closes the connection to the server that the others share. */
  disconnect(): Promise<void>;
}

/** Adds the queue and the tasks to the parts of a driver; `close` closes all of them. */
export function openBullQueues(
  { driver, backlog, leases, disconnect }: BullQueuesParts,
  options: BullQueuesOptions,
): Queues {
  const queue = new BullInvocationQueue(driver, options);
  const tasks = new BullTasks(driver, options.timings, options.warn);
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
