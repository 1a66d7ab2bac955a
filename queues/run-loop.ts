import { randomUUID } from 'node:crypto';
import { isNotConnectionError, Job, type JobJson } from 'bullmq';
import type { Closable } from '../src/ports/closable.js';
import type { BatchFetcher } from './batch-fetcher.js';
import type { BullQueue } from './driver.js';
import { isJobData } from './job-codec.js';
import type { InvocationJob, JobData } from './job-data.js';
import type { JobSettler } from './job-settler.js';
import { type JobStore, MAX_JOBS_PER_COMMAND, type NextJob } from './job-store.js';
import { JobWaiter } from './job-waiter.js';
import { LockRenewal } from './lock-renewal.js';
import { StalledChecks } from './stalled-checks.js';
import type { QueueTimings } from './timings.js';
import type { Warn } from './warn.js';

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

/**
 * The result of running a job: `done`: remove it from the queue; `moved`: this process no longer
 * owns it; `unstarted`: return it to the queue without counting an attempt.
 */
export type RunOutcome = 'done' | 'moved' | 'unstarted';

export interface RunLoopOptions {
  store: JobStore;
  settler: JobSettler;
  /** The queue of the store, through which jobs are decoded. */
  queue: BullQueue<JobData>;
  /** The initial number of jobs that the process may have at once; see `setLimit`. */
  limit: number;
  /** The number of CPU cores: the largest number of jobs to fetch at once while jobs are slow. */
  cores: number;
  /** How long to wait for a marker before looking for jobs without one, in seconds. */
  waitSeconds: number;
  timings: QueueTimings;
  warn: Warn;
  /** Runs a job until its end is recorded. Rejects when the job can never be run. */
  run(job: InvocationJob, token: string): Promise<RunOutcome>;
  /** Called with the lock token of a run when the job now belongs to another run. */
  onLost(token: string): void;
}

/** Fetches the jobs of one queue, runs them, and settles them. */
export class RunLoop implements Closable, BatchFetcher {
  readonly #options: RunLoopOptions;
  readonly #store: JobStore;
  readonly #waiter: JobWaiter;
  readonly #settler: JobSettler;
  readonly #renewal: LockRenewal;
  readonly #stalledChecks: StalledChecks;
  readonly #id = randomUUID();
  readonly #running: Promise<void>;
  /** Pending work that must end before `close` resolves, besides the loop itself. */
  readonly #pending = new Set<Promise<void>>();
  /** A completion may fetch the next job while no more jobs are claimed than are allowed. */
  readonly #mayFetchNext = (): boolean => this.#freeCapacity >= 0 && this.#closing === undefined;
  #state: LoopState = 'fetching';
  /**
   * The number of jobs that this process may have at once, including those that wait for a slot.
   */
  #limit: number;
  #prefetches = false;
  #jobs = 0;
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
    this.#settler = options.settler;
    this.#renewal = new LockRenewal(store, timings.lockMs, options.onLost, warn);
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
    for (const [index, [json, id]] of answers.entries()) {
      const token = tokens[index] ?? '';
      if (json === null) continue;
      if (this.#isBeyondLimit) this.#returnToQueue(id, token);
      else this.#start(this.#read(json, id, token), token);
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
    this.#settler.stopRetries();
    this.#wake();
    await this.#store.disconnectBlocking();
    await this.#running;
    // Reserved tokens may still bring jobs, which are returned to the queue.
    while (this.#pending.size > 0 || this.#reserved > 0) {
      await (this.#pending.size > 0 ? Promise.all(this.#pending) : this.#sleep());
    }
    await this.#stalledChecks.close();
    await this.#renewal.close();
    await this.#store.close();
    this.#state = 'closed';
  }

  get #claimed(): number {
    return this.#jobs + this.#reserved;
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
    if (last !== undefined && last[0] !== null) this.#waiter.foundJob();
    else if (last !== undefined) this.#foundEmpty(last);
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

  #foundEmpty(answer: NextJob): void {
    const [, , rateLimitMs] = answer;
    if (rateLimitMs > 0) this.#backoffUntil = performance.now() + rateLimitMs;
    this.#waiter.foundEmpty(answer);
  }

  #reserveTokens(count: number): readonly string[] {
    const tokens = Array.from({ length: Math.max(0, count) }, () => `${this.#id}:${this.#tokens++}`);
    this.#reserved += tokens.length;
    return tokens;
  }

  #start(job: InvocationJob | null, token: string): void {
    if (job === null) return;
    this.#jobs++;
    this.#track(
      this.#runAll(job, token).finally(() => {
        this.#jobs--;
        this.#wake();
      }),
    );
  }

  /** Runs a job, and then each next job that a completion fetched under the same token. */
  async #runAll(first: InvocationJob, token: string): Promise<void> {
    let job: InvocationJob | null = first;
    while (job !== null) {
      const id: string = job.id ?? '';
      this.#renewal.track(id, token);
      try {
        const outcome = await this.#options.run(job, token);
        if (outcome === 'unstarted') this.#returnToQueue(id, token);
        job =
          outcome === 'done'
            ? this.#readNext(await this.#settler.complete(job, token, this.#mayFetchNext), token)
            : null;
      } catch (error) {
        await this.#settler.fail(job ?? first, token, error);
        job = null;
      } finally {
        this.#renewal.untrack(token);
      }
    }
  }

  #readNext(next: NextJob | null, token: string): InvocationJob | null {
    if (next === null) return null;
    const [json, id] = next;
    if (json === null) {
      this.#foundEmpty(next);
      return null;
    }
    if (this.#closing === undefined) return this.#read(json, id, token);
    this.#returnToQueue(id, token);
    return null;
  }

  /** Returns null for a job that another program has added, and fails that job. */
  #read(json: JobJson, id: string, token: string): InvocationJob | null {
    try {
      const job = this.#decode(json, id);
      if (isJobData(job.data)) return job;
      this.#track(this.#settler.refuse(job, token, new Error('its data is not that of an invocation')));
    } catch (error) {
      this.#track(this.#settler.refuse(this.#decode({ ...json, data: '{}' }, id), token, error));
    }
    return null;
  }

  #decode(json: JobJson, id: string): InvocationJob {
    return Job.fromJSON<JobData, void>(this.#options.queue, json, id);
  }

  #returnToQueue(id: string, token: string): void {
    this.#track(this.#settler.returnToQueue(id, token));
  }

  #returnMarker(): void {
    const marker = this.#waiter.takeMarker();
    if (marker !== null) this.#track(this.#settler.returnMarker(marker));
  }

  #track(work: Promise<void>): void {
    const tracked: Promise<void> = work.catch(() => {}).finally(() => this.#pending.delete(tracked));
    this.#pending.add(tracked);
  }
}
