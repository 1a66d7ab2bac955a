import { randomUUID } from 'node:crypto';
import { isNotConnectionError, Job, type JobJson } from 'bullmq';
import type { Closable } from '../src/ports/closable.js';
import { type BullQueue, type InvocationJob, KEEP_NOTHING, type QueueTimings, type Warn } from './driver.js';
import { isLost, JOB_MARKER, type JobStore, type Marker, type NextJob, nextJobOf } from './job-store.js';
import { isJobData, type JobData } from './jobs.js';
import { LockRenewal } from './lock-renewal.js';
import { StalledChecks } from './stalled-checks.js';

/**
 * The largest number of jobs per command; a longer command would block the store for other clients.
 */
const MAX_AT_ONCE = 32;
/** The delay before a failed command is retried, in milliseconds. */
const RETRY_MS = 1000;
/** How many jobs that are not ours are kept among BullMQ's failed jobs, for those who added them. */
const KEEP_FOREIGN = { count: 100 };
/** The longest wait of a backend that does not define its own, in seconds: the limit on Redis. */
const MAX_WAIT_SECONDS = 10;

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
  /** Called when a job has left the queue. */
  onEnded(job: InvocationJob): void;
  /** Called when another worker holds the lock of a job. */
  onLost(id: string): void;
}

/** The part of the run loop that fetches jobs together with adds. */
export interface JobTaker {
  readonly lockMs: number;
  /** Reserves room for up to `most` jobs. Returns one lock token per reserved place. */
  reserve(most: number): readonly string[];
  /** Delivers the fetched jobs, in the order of the tokens, and releases the room that is left. */
  deliver(tokens: readonly string[], answers: readonly NextJob[]): void;
}

/** Fetches the jobs of one queue, runs them, and settles them. */
export class RunLoop implements Closable, JobTaker {
  readonly #options: RunLoopOptions;
  readonly #store: JobStore;
  readonly #renewal: LockRenewal;
  readonly #stalledChecks: StalledChecks;
  readonly #id = randomUUID();
  readonly #running: Promise<void>;
  /** Pending work that must end before `close` resolves, besides the loop itself. */
  readonly #pending = new Set<Promise<void>>();
  #state: LoopState = 'fetching';
  /**
   * The number of jobs that this process may have at once, including those that wait for a slot.
   */
  #limit: number;
  #prefetches = false;
  #jobs = 0;
  #reserved = 0;
  #tokens = 0;
  /** Whether the queue was empty when it was last asked. */
  #isEmpty = false;
  /** When the next delayed job is due, in Unix milliseconds; 0 when unknown. */
  #nextDelayedAt = 0;
  /** On the monotonic clock, in milliseconds. */
  #backoffUntil = 0;
  /** The marker that this process has consumed and not yet acted on. */
  #marker: Marker | null = null;
  #wakeUp: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: RunLoopOptions) {
    const { store, limit, timings, warn } = options;
    this.#options = options;
    this.#store = store;
    this.#limit = limit;
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
    const room = this.#prefetches ? this.#room : Math.min(this.#room, this.#options.cores - this.#claimed);
    return this.#reserveTokens(Math.min(most, room));
  }

  deliver(tokens: readonly string[], answers: readonly NextJob[]): void {
    this.#reserved -= tokens.length;
    for (const [index, [json, id]] of answers.entries()) {
      const token = tokens[index] ?? '';
      if (json === null) continue;
      // The loop may be closing, or its limit may have been lowered, so the job would wait for
      // long.
      if (this.#room <= 0) this.#returnToQueue(id, token);
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

  get #room(): number {
    return this.#closing === undefined ? this.#limit - this.#claimed : 0;
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
    if (this.#room <= 0) return 'full';
    return this.#isEmpty ? 'waiting' : 'fetching';
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
    this.#marker = null;
    const tokens = this.#reserveTokens(
      Math.min(this.#room, this.#prefetches ? MAX_AT_ONCE : this.#options.cores),
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
    if (last !== undefined && last[0] !== null) this.#isEmpty = false;
    else if (last !== undefined) this.#foundEmpty(last);
    this.deliver(tokens, answers);
  }

  async #wait(): Promise<void> {
    const seconds = this.#secondsToWait();
    if (seconds <= 0) {
      this.#isEmpty = false;
      return;
    }
    try {
      const marker = await this.#store.waitForJob(seconds);
      this.#marker = marker ?? this.#marker;
      // Of two delayed jobs, wait for the earlier one.
      const known = this.#nextDelayedAt;
      const due = marker === null ? 0 : marker.score;
      this.#nextDelayedAt = due > 0 && known > 0 ? Math.min(due, known) : due;
      this.#isEmpty = due > Date.now();
    } catch (error) {
      this.#failed('Failed to wait for jobs; retrying.', error);
      if (this.#closing === undefined) await this.#store.reconnectBlocking().catch(() => {});
    }
  }

  #secondsToWait(): number {
    if (this.#nextDelayedAt === 0)
      return Math.max(this.#options.waitSeconds, this.#store.minimumBlockTimeout);
    const seconds = (this.#nextDelayedAt - Date.now()) / 1000;
    if (seconds <= 0) return 0;
    const most = this.#store.maximumBlockTimeout ?? MAX_WAIT_SECONDS;
    return Math.min(Math.max(seconds, this.#store.minimumBlockTimeout), most);
  }

  #failed(message: string, error: unknown): void {
    if (this.#closing !== undefined) return;
    // Lost connections are reported by the connection itself.
    if (error instanceof Error && isNotConnectionError(error)) this.#options.warn(message, error);
    this.#backoffUntil = performance.now() + RETRY_MS;
  }

  #foundEmpty([, , limitedMs, nextDelayedAt]: NextJob): void {
    this.#isEmpty = limitedMs <= 0;
    if (limitedMs > 0) this.#backoffUntil = performance.now() + limitedMs;
    this.#nextDelayedAt = Math.max(0, nextDelayedAt);
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
        job = outcome === 'done' ? await this.#complete(job, token) : null;
      } catch (error) {
        await this.#fail(job ?? first, token, error);
        job = null;
      } finally {
        this.#renewal.untrack(id);
      }
    }
  }

  /** Completes a job. Resolves with the next job, fetched by the same command, or null. */
  async #complete(job: InvocationJob, token: string): Promise<InvocationJob | null> {
    for (;;) {
      try {
        const { result } = await this.#store.moveToCompleted(
          job,
          undefined,
          KEEP_NOTHING.removeOnComplete,
          token,
          this.#room >= 0 && this.#closing === undefined,
        );
        this.#options.onEnded(job);
        return this.#readNext(nextJobOf(result), token);
      } catch (error) {
        this.#options.warn(`Failed to remove invocation ${job.id} from the queue.`, error);
        if (isLost(error) || this.#closing !== undefined) return null;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
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

  /** Returns null for a job that another program has added, and fails that. */
  #read(json: JobJson, id: string, token: string): InvocationJob | null {
    try {
      const job = this.#decode(json, id);
      if (isJobData(job.data)) return job;
      this.#refuse(job, token, new Error('its data is not that of an invocation'));
    } catch (error) {
      this.#refuse(this.#decode({ ...json, data: '{}' }, id), token, error);
    }
    return null;
  }

  #decode(json: JobJson, id: string): InvocationJob {
    return Job.fromJSON<JobData, void>(this.#options.queue, json, id);
  }

  /**
   * Moves a job that is not ours to BullMQ's failed jobs. It would otherwise be delivered again
   * whenever its lock has expired.
   */
  #refuse(job: InvocationJob, token: string, cause: unknown): void {
    const { queue, warn } = this.#options;
    const refusing = async () => {
      await this.#store.moveToFailed(job, 'It was not added by Orama Functions.', KEEP_FOREIGN, token, false);
      warn(
        `Job ${job.id} of the queue "${queue.name}" was not added by Orama Functions; it is now among BullMQ's failed jobs.`,
        cause,
      );
    };
    this.#track(
      refusing().catch((error) =>
        warn(
          `Failed to move job ${job.id} of the queue "${queue.name}", which is not ours, to the failed jobs.`,
          error,
        ),
      ),
    );
  }

  /** Fails a job that can never be run. */
  async #fail(job: InvocationJob, token: string, cause: unknown): Promise<void> {
    const reason = cause instanceof Error ? cause.message : String(cause);
    try {
      await this.#store.moveToFailed(job, reason, KEEP_NOTHING.removeOnFail, token, false);
      this.#options.onEnded(job);
      this.#options.warn(`Job ${job.id} left the queue without having been settled.`, cause);
    } catch (error) {
      this.#options.warn(`Job ${job.id} cannot be run, and removing it from the queue failed.`, error);
    }
  }

  #returnToQueue(id: string, token: string): void {
    const returning = async (): Promise<void> => {
      await this.#store.moveJobFromActiveToWait(id, token);
      // BullMQ adds no marker for a returned job.
      await this.#store.returnMarker(JOB_MARKER);
    };
    this.#track(
      returning().catch((error) => this.#options.warn(`Failed to return job ${id} to the queue.`, error)),
    );
  }

  #returnMarker(): void {
    const marker = this.#marker;
    this.#marker = null;
    if (marker !== null) this.#track(this.#store.returnMarker(marker));
  }

  #track(work: Promise<void>): void {
    const tracked: Promise<void> = work.catch(() => {}).finally(() => this.#pending.delete(tracked));
    this.#pending.add(tracked);
  }
}
