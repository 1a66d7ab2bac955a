import type { Job, JobSchedulerJson, JobsOptions } from 'bullmq';
import * as z from 'zod';
import { nextRunAfter } from '../src/contract/cron.js';
import type { Closable } from '../src/ports/closable.js';
import type { Schedule, TickHandler } from '../src/ports/queue.js';
import { onClockSetBack } from './clock-set-back.js';
import { cronRepeatStrategy } from './cron-repeat-strategy.js';
import type { QueueDriver } from './driver.js';
import { TICKS } from './queue-names.js';
import { reportErrors } from './report-errors.js';
import { lockOptions, type QueueTimings } from './timings.js';
import type { Warn } from './warn.js';

const RETRY_MS = 60_000;
/** The name of a job that delivers a tick again whose handler has failed. */
const FAILED_TICK = 'failed-tick';
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
  readonly #tickOptions: JobsOptions;

  constructor(driver: QueueDriver, timings: QueueTimings, warn: Warn) {
    this.#driver = driver;
    this.#timings = timings;
    this.#warn = warn;
    this.#tickOptions = {
      // A tick is retried for about an hour.
      attempts: 60,
      backoff: { type: 'fixed', delay: timings.tickRetryMs ?? RETRY_MS },
      removeOnComplete: true,
      removeOnFail: true,
    };
  }

  async put({ id, cron, timezone }: Schedule): Promise<void> {
    const existing = await this.#driver.ticks.getJobScheduler(id);
    // Writing an unchanged schedule again would advance its next tick, and a missed tick would be
    // lost.
    if (existing?.pattern === cron && existing.tz === timezone && !isTooLate(existing)) return;
    await this.#driver.ticks.upsertJobScheduler(
      id,
      { pattern: cron, tz: timezone },
      { name: 'tick', data: {}, opts: this.#tickOptions },
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

  async #deliver(job: Job<unknown, void>, handler: TickHandler): Promise<void> {
    const tick = tickOf(job);
    if (tick === null) return;
    try {
      await handler(tick.id, tick.at);
    } catch (error) {
      if (job.name === FAILED_TICK) throw error;
      this.#warn(failureOf(tick.id), error);
      await this.#retry(tick);
    }
  }

  /**
   * Adds a job that delivers the tick again. There is one at a time per schedule: what fails while
   * the store is unreachable is missed, and of what was missed only the first tick runs. Otherwise
   * all of them would run at once when the store is back.
   */
  async #retry(tick: Tick): Promise<void> {
    const jobId = `${FAILED_TICK}-${tick.id}`;
    const delay = this.#timings.tickRetryMs ?? RETRY_MS;
    await this.#driver.ticks.add(FAILED_TICK, tick, { ...this.#tickOptions, jobId, delay });
  }

  async consume(handler: TickHandler): Promise<Closable> {
    const worker = await this.#driver.createWorker<unknown>(
      TICKS,
      (job: Job<unknown, void>) => this.#deliver(job, handler),
      {
        concurrency: CONCURRENCY,
        ...lockOptions(this.#timings),
        runRetryDelay: 1000,
        settings: { repeatStrategy: cronRepeatStrategy },
      },
    );
    reportErrors(worker, 'schedule worker', this.#warn);
    worker.on('failed', (job, error) => this.#warn(failureOf(job && tickOf(job)?.id), error));
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

interface Tick {
  id: string;
  /** When it was due, in Unix milliseconds. */
  at: number;
}

const tickSchema = z.object({ id: z.string(), at: z.number() });

/** Returns the tick that a job delivers, for the first time or again. */
function tickOf(job: Job<unknown, void>): Tick | null {
  if (job.name === FAILED_TICK) return tickSchema.safeParse(job.data).data ?? null;
  return job.repeatJobKey === undefined ? null : { id: job.repeatJobKey, at: scheduledAtOf(job) };
}

function failureOf(id: string | undefined): string {
  return `A tick of schedule ${id} failed; only the first failed tick is retried.`;
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
