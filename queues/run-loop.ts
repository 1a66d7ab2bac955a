import { randomUUID } from 'node:crypto';
import { isNotConnectionError } from 'bullmq';
import type { Closable } from '../src/ports/closable.js';
import type { BatchFetcher } from './batch-fetcher.js';
import { JobRuns, type JobRunsOptions } from './job-runs.js';
import { type EmptyQueue, type JobStore, MAX_JOBS_PER_COMMAND, type NextJob } from './job-store.js';
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
  /** The initial number of jobs that the process may have at once; see `setLimit`. */
  limit: number;
  /** The number of CPU cores: the largest number of jobs to fetch at once while jobs are slow. */
  cores: number;
  /** How long to wait for a marker before looking for jobs without one, in seconds. */
  waitSeconds: number;
}

/** Fetches the jobs of one queue, and has them run and settled. */
export class RunLoop implements Closable, BatchFetcher {
  readonly #options: RunLoopOptions;
  readonly #store: JobStore;
  readonly #waiter: JobWaiter;
  readonly #runs: JobRuns;
  readonly #stalledChecks: StalledChecks;
  readonly #id = randomUUID();
  readonly #running: Promise<void>;
  #state: LoopState = 'fetching';
  /**
   * The number of jobs that this process may have at once, including those that wait for a slot.
   */
  #limit: number;
  #prefetches = false;
  #reserved = 0;
  #tokens = 0;
  /** On the monotonic clock, in milliseconds. */
  #backoffUntil = 0;
  #wakeUp: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: RunLoopOptions) {
    const { store, limit, waitSeconds, timings, warn } = options;
    this.#options = options;
    this.#store = store;
    this.#limit = limit;
    this.#waiter = new JobWaiter(store, waitSeconds);
    this.#runs = new JobRuns(options, {
      // While no more jobs are claimed than are allowed.
      mayFetchNext: () => this.#freeCapacity >= 0 && this.#closing === undefined,
      foundEmpty: (queue) => this.#foundEmpty(queue),
      left: () => this.#wake(),
    });
    this.#stalledChecks = new StalledChecks(store, timings.stalledCheckMs, warn);
    this.#running = this.#loop();
  }

  get state(): LoopState {
    return this.#state;
  }

  get lockMs(): number {
    return this.#options.timings.lockMs;
  }

  /**
   * Changes how many jobs this process may have at once.
   *
   * @param prefetches Whether jobs are short, so that more are fetched than there are slots; see
   *   prefetch.ts.
   */
  setLimit(jobs: number, { prefetches }: { prefetches: boolean }): void {
    this.#limit = jobs;
    this.#prefetches = prefetches;
    this.#wake();
  }

  reserve(most: number): readonly string[] {
    // While jobs are slow, leave jobs to processes with an idle core.
    const free = this.#prefetches
      ? this.#freeCapacity
      : Math.min(this.#freeCapacity, this.#options.cores - this.#claimed);
    return this.#reserveTokens(Math.min(most, free));
  }

  deliver(tokens: readonly string[], answers: readonly NextJob[]): void {
    this.#reserved -= tokens.length;
    for (const [index, answer] of answers.entries()) {
      const token = tokens[index] ?? '';
      if (answer.kind === 'empty') continue;
      if (this.#isBeyondLimit) this.#runs.giveBack(answer.id, token);
      else this.#runs.start(answer.json, answer.id, token);
    }
    this.#wake();
  }

  /** Resolves when this process has no job left. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#state = 'closing';
    this.#runs.stop();
    this.#wake();
    await this.#store.disconnectBlocking();
    await this.#running;
    // Reserved tokens may still bring jobs, which are returned to the queue.
    while (this.#runs.arePending || this.#reserved > 0) {
      await (this.#runs.arePending ? this.#runs.settled() : this.#sleep());
    }
    await this.#stalledChecks.close();
    await this.#runs.close();
    await this.#store.close();
    this.#state = 'closed';
  }

  get #claimed(): number {
    return this.#runs.jobs + this.#reserved;
  }

  get #freeCapacity(): number {
    return this.#closing === undefined ? this.#limit - this.#claimed : 0;
  }

  /**
   * Whether a fetched job would wait here for long: the loop is closing, or its limit has been
   * lowered meanwhile. What one fetch brings while jobs are slow is kept nevertheless: a completion
   * may already have fetched the job behind it, which would then run first.
   */
  get #isBeyondLimit(): boolean {
    return this.#closing !== undefined || this.#freeCapacity <= -this.#options.cores;
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
    if (this.#freeCapacity <= 0) return 'full';
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
    const tokens = this.#reserveTokens(
      Math.min(this.#freeCapacity, this.#prefetches ? MAX_JOBS_PER_COMMAND : this.#options.cores),
    );
    let answers: NextJob[] = [];
    try {
      answers = await this.#store.moveManyToActive(tokens);
    } catch (error) {
      this.#failed('Failed to fetch jobs from the queue; retrying.', error);
    }
    // Update the state before jobs are delivered: what a job reports about the queue later is
    // newer.
    const last = answers.at(-1);
    if (last?.kind === 'empty') this.#foundEmpty(last);
    else if (last !== undefined) this.#waiter.foundJob();
    this.deliver(tokens, answers);
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

  #reserveTokens(count: number): readonly string[] {
    const tokens = Array.from({ length: Math.max(0, count) }, () => `${this.#id}:${this.#tokens++}`);
    this.#reserved += tokens.length;
    return tokens;
  }

  #returnMarker(): void {
    const marker = this.#waiter.takeMarker();
    if (marker !== null) this.#runs.track(this.#options.settler.returnMarker(marker));
  }
}
