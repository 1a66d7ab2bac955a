import type { Job, JobSchedulerJson } from 'bullmq';
import { nextRunAfter } from '../src/contract/cron.js';
import type { Closable } from '../src/ports/closable.js';
import type { Schedule, TickHandler } from '../src/ports/queue.js';
import { onClockSetBack } from './clock-set-back.js';
import { lockOptions, type QueueDriver, type QueueTimings, type Warn } from './driver.js';
import { TICKS } from './jobs.js';
import { nextTick } from './next-tick.js';

const TICK_OPTIONS = {
  // A tick whose handler fails, for example because the store is unreachable, is retried for about
  // an hour.
  attempts: 60,
  backoff: { type: 'fixed', delay: 60_000 },
  removeOnComplete: true,
  removeOnFail: true,
};
const CONCURRENCY = 4;
/** More than the clocks of two processes may differ, in milliseconds. */
const SKEW_MS = 10_000;

/**
 * Cron schedules as BullMQ job schedulers. Each schedule has exactly one delayed job, its next
 * tick: a tick is delivered once regardless of the number of processes, and a tick that became due
 * while no process was running is delivered once when one starts.
 */
export class BullSchedules {
  readonly #driver: QueueDriver;
  readonly #timings: QueueTimings;
  readonly #warn: Warn;

  constructor(driver: QueueDriver, timings: QueueTimings, warn: Warn) {
    this.#driver = driver;
    this.#timings = timings;
    this.#warn = warn;
  }

  async put({ id, cron, timezone }: Schedule): Promise<void> {
    const existing = await this.#driver.ticks.getJobScheduler(id);
    // Writing an unchanged schedule again would advance its next tick, and a missed tick would be
    // lost.
    if (existing?.pattern === cron && existing.tz === timezone && !isTooLate(existing)) return;
    await this.#driver.ticks.upsertJobScheduler(
      id,
      { pattern: cron, tz: timezone },
      { name: 'tick', data: {}, opts: TICK_OPTIONS },
    );
  }

  async #putAllAgain(): Promise<void> {
    try {
      for (const { key, pattern, tz } of await this.#driver.ticks.getJobSchedulers()) {
        if (pattern !== undefined) await this.put({ id: key, cron: pattern, timezone: tz ?? 'UTC' });
      }
    } catch (error) {
      this.#warn('Failed to correct the schedules after the clock was set back.', error);
    }
  }

  async remove(id: string): Promise<void> {
    await this.#driver.ticks.removeJobScheduler(id);
  }

  async next(id: string): Promise<number | null> {
    const scheduler = await this.#driver.ticks.getJobScheduler(id);
    return scheduler?.next ?? null;
  }

  async consume(handler: TickHandler): Promise<Closable> {
    const worker = await this.#driver.createWorker<unknown>(
      TICKS,
      async (job: Job<unknown, void>) => {
        const id = job.repeatJobKey;
        if (id === undefined) return;
        await handler(id, scheduledAtOf(job));
      },
      {
        concurrency: CONCURRENCY,
        ...lockOptions(this.#timings),
        runRetryDelay: 1000,
        settings: { repeatStrategy: nextTick },
      },
    );
    worker.on('error', (error) => this.#warn('The schedule worker reported an error.', error));
    worker.on('failed', (job, error) => this.#warn(`A tick of schedule ${job?.repeatJobKey} failed.`, error));
    await worker.waitUntilReady();
    const setBack = onClockSetBack(() => void this.#putAllAgain());
    return {
      close: async () => {
        await setBack.close();
        await worker.close();
      },
    };
  }
}

/**
 * Returns whether the next tick of a schedule comes after one that is not due yet: it was computed
 * before the clock was set back. Ticks that occur a second time start no second run.
 */
function isTooLate({ pattern, tz, next }: Pick<JobSchedulerJson, 'pattern' | 'tz' | 'next'>): boolean {
  if (pattern === undefined || next === undefined) return false;
  const expected = nextRunAfter(pattern, tz ?? 'UTC', Date.now() + SKEW_MS);
  return expected !== null && next > expected;
}

/** Returns when a tick was due, in Unix milliseconds: BullMQ stores it as `prevMillis`. */
function scheduledAtOf(job: Job<unknown, void>): number {
  return job.opts.prevMillis ?? job.timestamp + (job.opts.delay ?? 0);
}
