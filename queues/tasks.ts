import { setTimeout as sleep } from 'node:timers/promises';
import { DelayedError, type Job } from 'bullmq';
import { CountByKey } from '../src/concurrency/count-by-key.js';
import { AppError } from '../src/errors.js';
import type { Closable } from '../src/ports/closable.js';
import type { Task, TaskHandler, Tasks } from '../src/ports/tasks.js';
import type { QueueDriver } from './driver.js';
import { queueUnavailable } from './errors.js';
import { MAX_PRIORITY } from './fairness.js';
import { TASKS } from './queue-names.js';
import { reportErrors } from './report-errors.js';
import { TaskPriorities } from './task-priorities.js';
import { lockOptions, type QueueTimings } from './timings.js';
import type { Warn } from './warn.js';

const CONCURRENCY = 16;
/** The largest number of concurrent tasks per owner, whose receivers may all be slow. */
const PER_OWNER = CONCURRENCY / 4;
/**
 * A task beyond that limit is first held for HELD_MS, so that a backlog of them does not keep the
 * worker busy with moving jobs, and then delayed for DELAY_MS.
 */
const HELD_MS = 100;
const DELAY_MS = 2000;

/**
 * Background tasks as jobs of a BullMQ queue of their own, so that a slow receiver delays no
 * invocation.
 */
export class BullTasks implements Tasks {
  readonly #driver: QueueDriver;
  readonly #timings: QueueTimings;
  readonly #warn: Warn;
  readonly #opened = new Set<Closable>();
  readonly #priorities = new TaskPriorities();
  readonly #running = new CountByKey();

  constructor(driver: QueueDriver, timings: QueueTimings, warn: Warn) {
    this.#driver = driver;
    this.#timings = timings;
    this.#warn = warn;
  }

  async add({ id, kind, owner, payload, attempts, backoffMs }: Task): Promise<void> {
    try {
      // Not every store preserves a NUL, which a text may contain.
      await this.#driver.tasks.add(kind, `${owner} ${Buffer.from(payload).toString('base64')}`, {
        jobId: id,
        priority: Math.min(this.#priorities.next(owner, Date.now()), MAX_PRIORITY),
        attempts,
        backoff: { type: 'exponential', delay: backoffMs },
        removeOnComplete: true,
        removeOnFail: true,
      });
    } catch (error) {
      throw queueUnavailable(error);
    }
  }

  async has(id: string): Promise<boolean> {
    try {
      return (await this.#driver.tasks.getJobState(id)) !== 'unknown';
    } catch (error) {
      throw queueUnavailable(error);
    }
  }

  async consume(handlers: Readonly<Record<string, TaskHandler>>): Promise<Closable> {
    const worker = await this.#driver.createWorker<string>(
      TASKS,
      async (job: Job<string, void>, token?: string) => {
        const handler = handlers[job.name];
        if (handler === undefined)
          throw new AppError('internal', `There is no handler for tasks of kind ${job.name}.`);
        const [owner = '', payload = ''] = job.data.split(' ');
        if (this.#running.get(owner) >= PER_OWNER) return await putOff(job, token);
        this.#running.increment(owner);
        try {
          await handler(Buffer.from(payload, 'base64').toString());
        } finally {
          this.#running.decrement(owner);
        }
      },
      {
        concurrency: CONCURRENCY,
        ...lockOptions(this.#timings),
        runRetryDelay: 1000,
      },
    );
    reportErrors(worker, 'task worker', this.#warn);
    worker.on('failed', (job, error) => {
      if (job?.finishedOn !== undefined) this.#warn(`Task ${job.name} ${job.id} failed permanently.`, error);
    });
    await worker.waitUntilReady();
    this.#opened.add(worker);
    return {
      close: async () => {
        this.#opened.delete(worker);
        await worker.close();
      },
    };
  }

  /** Closes the workers. The queue itself is closed with its driver. */
  async close(): Promise<void> {
    await Promise.all([...this.#opened].map((worker) => worker.close()));
    this.#opened.clear();
  }
}

async function putOff(job: Job<string, void>, token: string | undefined): Promise<never> {
  await sleep(HELD_MS);
  await job.moveToDelayed(Date.now() + DELAY_MS, token);
  // Tells BullMQ that the job has already been moved.
  throw new DelayedError();
}
