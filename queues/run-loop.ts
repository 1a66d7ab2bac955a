import { isNotConnectionError } from 'bullmq';
import type { Closable } from '../src/ports/closable.js';
import { JobRuns, type JobRunsOptions } from './job-runs.js';
import type { EmptyQueue, JobStore } from './job-store.js';
import { JobWaiter } from './job-waiter.js';
import { StalledChecks } from './stalled-checks.js';

/** The delay after a failed command, in milliseconds. */
const RETRY_MS = 1000;

/**
 * The state of the loop. See the diagram in ARCHITECTURE.md.
 *
 * - `fetching`: a command that fetches as many jobs as there is room for is pending or about to be
 *   sent.
 * - `waiting`: the queue was empty; the store reports when there is a job, or when a delayed one is
 *   due.
 * - `full`: this process has as many jobs as it may have. When a job leaves, the command that
 *   completes it also fetches the next one, or this state ends.
 * - `backoff`: the store failed, or its rate limit applies; the loop continues after a delay.
 * - `closing`: no job is fetched, jobs that still arrive are returned, running jobs run to their
 *   end.
 * - `closed`.
 */
export type LoopState = 'fetching' | 'waiting' | 'full' | 'backoff' | 'closing' | 'closed';

export interface RunLoopOptions extends JobRunsOptions {
  /** How long to wait for a marker before looking for jobs without one, in seconds. */
  waitSeconds: number;
}

/** Decides when to fetch jobs of one queue: which and how many is decided by its `JobRuns`. */
export class RunLoop implements Closable {
  readonly runs: JobRuns;
  readonly #options: RunLoopOptions;
  readonly #store: JobStore;
  readonly #waiter: JobWaiter;
  readonly #stalledChecks: StalledChecks;
  readonly #running: Promise<void>;
  #state: LoopState = 'fetching';
  /** On the monotonic clock, in milliseconds. */
  #backoffUntil = 0;
  #wakeUp: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: RunLoopOptions) {
    const { store, waitSeconds, timings, warn } = options;
    this.#options = options;
    this.#store = store;
    this.#waiter = new JobWaiter(store, waitSeconds);
    this.runs = new JobRuns(options, {
      foundEmpty: (queue) => this.#foundEmpty(queue),
      changed: () => this.#wake(),
    });
    this.#stalledChecks = new StalledChecks(store, timings.stalledCheckMs, warn);
    this.#running = this.#loop();
  }

  get state(): LoopState {
    return this.#state;
  }

  /** Resolves when this process has no job left. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#state = 'closing';
    this.runs.stop();
    this.#wake();
    await this.#store.disconnectBlocking();
    await this.#running;
    // Jobs that still arrive are returned to the queue.
    while (this.runs.hasPending || this.runs.hasReserved) {
      await (this.runs.hasPending ? this.runs.settled() : this.#sleep());
    }
    await this.#stalledChecks.close();
    await this.runs.close();
    await this.#store.close();
    this.#state = 'closed';
  }

  async #loop(): Promise<void> {
    while (this.#closing === undefined) {
      this.#state = this.#nextState();
      switch (this.#state) {
        case 'backoff':
          await this.#sleep(this.#backoffUntil - performance.now());
          break;
        case 'full':
          this.#returnMarker();
          await this.#sleep();
          break;
        case 'waiting':
          await this.#wait();
          break;
        default:
          await this.#fetch();
      }
    }
    this.#returnMarker();
  }

  #nextState(): LoopState {
    if (this.#backoffUntil > performance.now()) return 'backoff';
    if (this.runs.isFull) return 'full';
    return this.#waiter.isEmpty ? 'waiting' : 'fetching';
  }

  /** Resolves at the next `#wake`, or after `ms` milliseconds if given. */
  #sleep(ms?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(() => this.#wake(), ms);
      this.#wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #wake(): void {
    const wakeUp = this.#wakeUp;
    this.#wakeUp = undefined;
    wakeUp?.();
  }

  async #fetch(): Promise<void> {
    // The fetch acts on the marker.
    this.#waiter.takeMarker();
    try {
      await this.runs.fetch((last) => {
        // Before the jobs begin: what a job reports about the queue later is newer.
        if (last.kind === 'empty') this.#foundEmpty(last);
        else this.#waiter.foundJob();
      });
    } catch (error) {
      this.#failed('Failed to fetch jobs from the queue; retrying.', error);
    }
  }

  async #wait(): Promise<void> {
    try {
      await this.#waiter.wait();
    } catch (error) {
      this.#failed('Failed to wait for jobs; retrying.', error);
      if (this.#closing === undefined) await this.#store.reconnectBlocking().catch(() => {});
    }
  }

  #failed(message: string, error: unknown): void {
    if (this.#closing !== undefined) return;
    // Lost connections are reported by the connection itself.
    if (error instanceof Error && isNotConnectionError(error)) this.#options.warn(message, error);
    this.#backoffUntil = performance.now() + RETRY_MS;
  }

  #foundEmpty(queue: EmptyQueue): void {
    if (queue.rateLimitMs > 0) this.#backoffUntil = performance.now() + queue.rateLimitMs;
    this.#waiter.foundEmpty(queue);
  }

  #returnMarker(): void {
    const marker = this.#waiter.takeMarker();
    if (marker !== null) this.runs.track(this.#options.settler.returnMarker(marker));
  }
}
