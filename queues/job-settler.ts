import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../src/errors.js';
import type { Settlement } from '../src/ports/queue.js';
import { retryDelayOf } from './backoff.js';
import type { JobCounts } from './driver.js';
import type { InvocationJob } from './job-data.js';
import {
  type HeldRun,
  isLost,
  isUnlocked,
  JOB_MARKER,
  type JobStore,
  KEEP_NOTHING,
  type Marker,
  type NextJob,
} from './job-store.js';
import type { Warn } from './warn.js';

/** The delay before a failed command of a settlement is retried, in milliseconds. */
const RETRY_MS = 1000;
/**
 * How many jobs of other programs are kept among BullMQ's failed jobs, for those who added them.
 */
const KEEP_FOREIGN = { count: 100 };

/** The settlement of a job that stays in the queue. */
export type PutBack = Exclude<Settlement, { kind: 'done' | 'lost' }>;

export interface JobSettlerOptions {
  store: JobStore;
  warn: Warn;
  jobCounts: Pick<JobCounts, 'ended' | 'postponed'>;
}

/** Moves jobs of this process out of the active state. Reports errors; never rejects. */
export class JobSettler {
  readonly #store: JobStore;
  readonly #warn: Warn;
  readonly #jobCounts: JobSettlerOptions['jobCounts'];
  #isClosing = false;

  constructor({ store, warn, jobCounts }: JobSettlerOptions) {
    this.#store = store;
    this.#warn = warn;
    this.#jobCounts = jobCounts;
  }

  /** Retries no failed command from now on: the process ends, and another one runs the job. */
  stopRetries(): void {
    this.#isClosing = true;
  }

  /**
   * Completes a job, retrying for as long as this process owns it. Resolves with the next job, if
   * the same command fetched one, or with null.
   *
   * @param mayFetchNext Asked before each try.
   */
  async complete(job: InvocationJob, token: string, mayFetchNext: () => boolean): Promise<NextJob | null> {
    for (;;) {
      try {
        const next = await this.#locked(runOf(job, token), () =>
          this.#store.complete(job, token, mayFetchNext()),
        );
        this.#jobCounts.ended(job);
        return next;
      } catch (error) {
        this.#warn(`Failed to remove invocation ${job.id} from the queue.`, error);
        if (isLost(error) || this.#isClosing) return null;
        await sleep(RETRY_MS);
      }
    }
  }

  /**
   * Puts a job that is not finished back into the queue: for a retry after its backoff, which
   * counts an attempt, or for a delay, which does not. The end of the job has not been recorded, so
   * this retries for as long as this process owns the job.
   *
   * @param isLostToOther Whether another worker has taken over the job; asked before each retry.
   */
  async putBack(job: InvocationJob, token: string, to: PutBack, isLostToOther: () => boolean): Promise<void> {
    for (;;) {
      try {
        await this.#locked(runOf(job, token), () =>
          to.kind === 'later'
            ? this.#postpone(job.id ?? '', token, to.delayMs)
            : this.#retry(job, token, to.error),
        );
        return;
      } catch (error) {
        if (isLost(error)) return;
        this.#warn(`Failed to put invocation ${job.id} back into the queue; retrying.`, error);
      }
      if (this.#isClosing || isLostToOther()) return;
      await sleep(RETRY_MS);
    }
  }

  /**
   * Moves a job that another program has added to BullMQ's failed jobs. It would otherwise be
   * delivered again whenever its lock has expired.
   */
  async refuse(job: InvocationJob, token: string, cause: unknown): Promise<void> {
    const named = `Job ${job.id} of the queue "${job.queueName}" was not added by Orama Functions`;
    try {
      await this.#locked(runOf(job, token), () =>
        this.#store.moveToFailed(job, 'It was not added by Orama Functions.', KEEP_FOREIGN, token, false),
      );
      this.#warn(`${named}; it is now among BullMQ's failed jobs.`, cause);
    } catch (error) {
      this.#warn(`${named}, and moving it to BullMQ's failed jobs failed.`, error);
    }
  }

  /** Fails a job that can never be run. */
  async fail(job: InvocationJob, token: string, cause: unknown): Promise<void> {
    try {
      await this.#locked(runOf(job, token), () =>
        this.#store.moveToFailed(job, messageOf(cause), KEEP_NOTHING, token, false),
      );
      this.#jobCounts.ended(job);
      this.#warn(`Job ${job.id} left the queue without having been settled.`, cause);
    } catch (error) {
      this.#warn(`Job ${job.id} cannot be run, and removing it from the queue failed.`, error);
    }
  }

  /** Puts a job that has not begun back into the queue, with no attempt used. */
  async returnToQueue(run: HeldRun): Promise<void> {
    try {
      await this.#locked(run, () => this.#store.moveJobFromActiveToWait(run.id, run.token));
      // BullMQ adds no marker for a returned job.
      await this.#store.returnMarker(JOB_MARKER);
    } catch (error) {
      this.#warn(`Failed to return job ${run.id} to the queue.`, error);
    }
  }

  /** Puts back a marker that this process has consumed but cannot act on. */
  async returnMarker(marker: Marker): Promise<void> {
    await this.#store.returnMarker(marker).catch(() => {});
  }

  /**
   * Runs an operation that the store refuses without the lock of the job. A lock that has expired,
   * as while the store was away, is set again if the job still belongs to the run.
   */
  async #locked<T>(run: HeldRun, operation: () => Promise<T>): Promise<T> {
    try {
      return await operation();
    } catch (error) {
      if (!isUnlocked(error) || (await this.#store.renewLocks([run])).length > 0) throw error;
      return operation();
    }
  }

  async #postpone(id: string, token: string, delayMs: number): Promise<void> {
    const now = Date.now();
    await this.#store.moveToDelayed(id, now, delayMs, token, { skipAttempt: true });
    this.#jobCounts.postponed(id, now + delayMs);
  }

  async #retry(job: InvocationJob, token: string, failedReason: string): Promise<void> {
    const id = job.id ?? '';
    // BullMQ stores the stack of every failed attempt in the job; here each would repeat the same
    // line.
    const fieldsToUpdate = { failedReason, stacktrace: JSON.stringify(job.stacktrace ?? []) };
    const delayMs = retryDelayOf(job);
    if (delayMs > 0) await this.#store.moveToDelayed(id, Date.now(), delayMs, token, { fieldsToUpdate });
    else await this.#store.retryJob(id, false, token, { fieldsToUpdate });
  }
}

function runOf(job: InvocationJob, token: string): HeldRun {
  return { id: job.id ?? '', token, attemptsStarted: job.attemptsStarted };
}
