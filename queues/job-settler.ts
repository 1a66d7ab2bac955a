import type { InvocationJob, Warn } from './driver.js';
import { KEEP_NOTHING } from './driver.js';
import { isLost, JOB_MARKER, type JobStore, type Marker, type NextJob, nextJobOf } from './job-store.js';

/** The delay before a failed completion is retried, in milliseconds. */
const RETRY_MS = 1000;

export interface JobSettlerOptions {
  store: JobStore;
  warn: Warn;
  /** Called when a job has left the queue. */
  onEnded(job: InvocationJob): void;
}

/** Moves jobs of this process out of the active state. Reports errors; never rejects. */
export class JobSettler {
  readonly #store: JobStore;
  readonly #warn: Warn;
  readonly #onEnded: (job: InvocationJob) => void;
  #isClosing = false;

  constructor({ store, warn, onEnded }: JobSettlerOptions) {
    this.#store = store;
    this.#warn = warn;
    this.#onEnded = onEnded;
  }

  /** Retries no failed completion from now on: the process ends, and another one runs the job. */
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
        const { result } = await this.#store.moveToCompleted(
          job,
          undefined,
          KEEP_NOTHING.removeOnComplete,
          token,
          mayFetchNext(),
        );
        this.#onEnded(job);
        return nextJobOf(result);
      } catch (error) {
        this.#warn(`Failed to remove invocation ${job.id} from the queue.`, error);
        if (isLost(error) || this.#isClosing) return null;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  /** Fails a job that can never be run, such as one that another program added. */
  async fail(job: InvocationJob, token: string, cause: unknown): Promise<void> {
    const reason = cause instanceof Error ? cause.message : String(cause);
    try {
      await this.#store.moveToFailed(job, reason, KEEP_NOTHING.removeOnFail, token, false);
      this.#onEnded(job);
      this.#warn(`Job ${job.id} left the queue without having been settled.`, cause);
    } catch (error) {
      this.#warn(`Job ${job.id} cannot be run, and removing it from the queue failed.`, error);
    }
  }

  /** Returns a job that has not begun, with no attempt used. */
  async returnToQueue(id: string, token: string): Promise<void> {
    try {
      await this.#store.moveJobFromActiveToWait(id, token);
      // BullMQ adds no marker for a returned job.
      await this.#store.returnMarker(JOB_MARKER);
    } catch (error) {
      this.#warn(`Failed to return job ${id} to the queue.`, error);
    }
  }

  /** Returns a marker that this process has consumed but cannot act on. */
  async returnMarker(marker: Marker): Promise<void> {
    await this.#store.returnMarker(marker).catch(() => {});
  }
}
