import { randomUUID } from 'node:crypto';
import { isNotConnectionError, Job, type JobJson } from 'bullmq';
import type { Closable } from '../src/ports/closable.js';
import { type BullQueue, type InvocationJob, KEEP_NOTHING, type QueueTimings, type Warn } from './driver.js';
import { isLost, JOB_MARKER, type JobStore, type Marker, type NextJob, nextJobOf } from './job-store.js';
import type { JobData } from './jobs.js';
import { LockRenewal } from './lock-renewal.js';
import { StalledChecks } from './stalled-checks.js';

/** More jobs in one command would hold the store up for everybody else. */
const MAX_AT_ONCE = 32;
/** A store that did not answer is asked again after this. */
const RETRY_MS = 1000;
/** A backend that names no longest wait of its own can wait so long, seconds: Redis' limit. */
const MAX_WAIT_SECONDS = 10;

/**
 * What the loop does next. See the diagram in ARCHITECTURE.md.
 *
 * - `fetching`: a command is under way that takes as many jobs as there is room for, or it is about
 *   to be sent.
 * - `waiting`: the queue was empty; the store says when there is a job, or when a delayed one is due.
 * - `full`: this process has as many jobs as it may have. A job that leaves brings the next one with
 *   it (the command that settles one also takes one), or ends this state.
 * - `resting`: the store did not answer, or its rate limit holds; asked again after a time.
 * - `closing`: no job is taken any more, and those that arrive go back; the others run to their end.
 * - `closed`.
 */
export type LoopState = 'fetching' | 'waiting' | 'full' | 'resting' | 'closing' | 'closed';

/**
 * What becomes of a job: `done`: it may leave the queue; `moved`: it is no longer this process's;
 * `unstarted`: it goes back to where it was, no attempt used.
 */
export type RunOutcome = 'done' | 'moved' | 'unstarted';

export interface RunLoopOptions {
  store: JobStore;
  /** The queue that the store is of, to read jobs through. */
  queue: BullQueue<JobData>;
  /** How many jobs the process may have at once, as long as `setLimit` says nothing else. */
  limit: number;
  /** How many jobs are taken at once at most while jobs are slow: the cores of the machine. */
  cores: number;
  /** How long the store is waited for until it is asked without a sign from it. */
  waitSeconds: number;
  timings: QueueTimings;
  warn: Warn;
  /** Runs a job to the end of what is owed to it. Rejects when it can never be run. */
  run(job: InvocationJob, token: string): Promise<RunOutcome>;
  /** A job has left the queue. */
  onEnded(job: InvocationJob): void;
  /** A job is another worker's by now. */
  onLost(id: string): void;
}

/** What those who add jobs need of the loop that may take them at once. */
export interface JobTaker {
  readonly lockMs: number;
  /** Lock tokens for as many jobs as the loop has room for, `most` at the most; hold that room. */
  reserve(most: number): readonly string[];
  /**
   * Hands over what was taken for the tokens, in their order, and releases the room of the others.
   */
  deliver(tokens: readonly string[], answers: readonly NextJob[]): void;
}

/** Takes the jobs of one queue, has them run, and settles them. */
export class RunLoop implements Closable, JobTaker {
  readonly #options: RunLoopOptions;
  readonly #store: JobStore;
  readonly #renewal: LockRenewal;
  readonly #stalledChecks: StalledChecks;
  readonly #id = randomUUID();
  readonly #running: Promise<void>;
  /** What has to be over before this is closed, beside the loop itself. */
  readonly #open = new Set<Promise<void>>();
  #state: LoopState = 'fetching';
  /** Jobs that this process may have at once, those that wait for a slot included. */
  #limit: number;
  #prefetches = false;
  #jobs = 0;
  #reserved = 0;
  #tokens = 0;
  /** No job was there when the store was asked last. */
  #isEmpty = false;
  /** Unix milliseconds at which a delayed job is due; 0 when none is known. */
  #lookAgainAt = 0;
  /** On the monotonic clock. */
  #restUntil = 0;
  /** Taken away from the store, and not followed yet by a look for a job. */
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
   * Changes how many jobs this process may have at once. `prefetches`: jobs are short, so more are
   * taken than there are slots; see prefetch.ts.
   */
  setLimit(jobs: number, { prefetches }: { prefetches: boolean }): void {
    this.#limit = jobs;
    this.#prefetches = prefetches;
    this.#wake();
  }

  reserve(most: number): readonly string[] {
    // While jobs are slow, others are left to processes that have a core for them.
    const room = this.#prefetches ? this.#room : Math.min(this.#room, this.#options.cores - this.#inHand);
    return this.#reserveTokens(Math.min(most, room));
  }

  deliver(tokens: readonly string[], answers: readonly NextJob[]): void {
    this.#reserved -= tokens.length;
    for (const [index, [json, id]] of answers.entries()) {
      const token = tokens[index] ?? '';
      if (json === null) continue;
      // It may have been told to close meanwhile, or to have fewer, and would not come to it for
      // long.
      if (this.#room <= 0) this.#giveBack(id, token);
      else this.#start(this.#read(json, id), token);
    }
    this.#wake();
  }

  /** Resolves when no job is left in this process. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#state = 'closing';
    this.#wake();
    await this.#store.disconnectBlocking();
    await this.#running;
    // What was reserved may still bring jobs, which go back.
    while (this.#open.size > 0 || this.#reserved > 0) {
      await (this.#open.size > 0 ? Promise.all(this.#open) : this.#sleep());
    }
    await this.#stalledChecks.close();
    await this.#renewal.close();
    await this.#store.close();
    this.#state = 'closed';
  }

  get #inHand(): number {
    return this.#jobs + this.#reserved;
  }

  get #room(): number {
    return this.#closing === undefined ? this.#limit - this.#inHand : 0;
  }

  async #loop(): Promise<void> {
    while (this.#closing === undefined) {
      this.#state = this.#nextState();
      switch (this.#state) {
        case 'resting':
          await this.#sleep(this.#restUntil - performance.now());
          break;
        case 'full':
          this.#passMarkerOn();
          await this.#sleep();
          break;
        case 'waiting':
          await this.#wait();
          break;
        default:
          await this.#fetch();
      }
    }
    this.#passMarkerOn();
  }

  #nextState(): LoopState {
    if (this.#restUntil > performance.now()) return 'resting';
    if (this.#room <= 0) return 'full';
    return this.#isEmpty ? 'waiting' : 'fetching';
  }

  /** Until the next `#wake`, or for so long at most. */
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
      this.#failed('Jobs could not be taken from the queue; it is tried again.', error);
    }
    // Before the jobs are handed over: what one of them says of the queue is newer.
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
      // Of two delayed jobs the earlier one counts.
      const known = this.#lookAgainAt;
      const due = marker === null ? 0 : marker.score;
      this.#lookAgainAt = due > 0 && known > 0 ? Math.min(due, known) : due;
      this.#isEmpty = due > Date.now();
    } catch (error) {
      this.#failed('The queue could not be listened to; it is tried again.', error);
      if (this.#closing === undefined) await this.#store.reconnectBlocking().catch(() => {});
    }
  }

  #secondsToWait(): number {
    if (this.#lookAgainAt === 0) return Math.max(this.#options.waitSeconds, this.#store.minimumBlockTimeout);
    const seconds = (this.#lookAgainAt - Date.now()) / 1000;
    if (seconds <= 0) return 0;
    const most = this.#store.maximumBlockTimeout ?? MAX_WAIT_SECONDS;
    return Math.min(Math.max(seconds, this.#store.minimumBlockTimeout), most);
  }

  #failed(message: string, error: unknown): void {
    if (this.#closing !== undefined) return;
    // Lost connections are reported by themselves.
    if (error instanceof Error && isNotConnectionError(error)) this.#options.warn(message, error);
    this.#restUntil = performance.now() + RETRY_MS;
  }

  #foundEmpty([, , limitedMs, lookAgainAt]: NextJob): void {
    this.#isEmpty = limitedMs <= 0;
    if (limitedMs > 0) this.#restUntil = performance.now() + limitedMs;
    this.#lookAgainAt = Math.max(0, lookAgainAt);
  }

  #reserveTokens(count: number): readonly string[] {
    const tokens = Array.from({ length: Math.max(0, count) }, () => `${this.#id}:${this.#tokens++}`);
    this.#reserved += tokens.length;
    return tokens;
  }

  #start(job: InvocationJob | null, token: string): void {
    if (job === null) return;
    this.#jobs++;
    this.#hold(
      this.#runAll(job, token).finally(() => {
        this.#jobs--;
        this.#wake();
      }),
    );
  }

  /** A job, and those that come one after the other in its place, under the same token. */
  async #runAll(first: InvocationJob, token: string): Promise<void> {
    let job: InvocationJob | null = first;
    while (job !== null) {
      const id: string = job.id ?? '';
      this.#renewal.track(id, token);
      try {
        const outcome = await this.#options.run(job, token);
        if (outcome === 'unstarted') this.#giveBack(id, token);
        job = outcome === 'done' ? await this.#complete(job, token) : null;
      } catch (error) {
        await this.#fail(job ?? first, token, error);
        job = null;
      } finally {
        this.#renewal.untrack(id);
      }
    }
  }

  /** Takes a job out of the queue that is over; returns the next one, taken in the same step. */
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
        return this.#follow(nextJobOf(result), token);
      } catch (error) {
        this.#options.warn(`Invocation ${job.id} could not be taken out of the queue.`, error);
        if (isLost(error) || this.#closing !== undefined) return null;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  #follow(next: NextJob | null, token: string): InvocationJob | null {
    if (next === null) return null;
    const [json, id] = next;
    if (json === null) {
      this.#foundEmpty(next);
      return null;
    }
    if (this.#closing === undefined) return this.#read(json, id);
    this.#giveBack(id, token);
    return null;
  }

  #read(json: JobJson, id: string): InvocationJob | null {
    try {
      return Job.fromJSON<JobData, void>(this.#options.queue, json, id);
    } catch (error) {
      this.#options.warn(`Job ${id} is none of this program's and cannot be read.`, error);
      return null;
    }
  }

  /** Gives up a job that nobody can run, such as one that was not added by this program. */
  async #fail(job: InvocationJob, token: string, cause: unknown): Promise<void> {
    const reason = cause instanceof Error ? cause.message : String(cause);
    try {
      await this.#store.moveToFailed(job, reason, KEEP_NOTHING.removeOnFail, token, false);
      this.#options.onEnded(job);
      this.#options.warn(`Job ${job.id} left the queue without having been settled.`, cause);
    } catch (error) {
      this.#options.warn(`Job ${job.id} cannot be run and could not be taken out of the queue.`, error);
    }
  }

  #giveBack(id: string, token: string): void {
    const giving = async (): Promise<void> => {
      await this.#store.moveJobFromActiveToWait(id, token);
      // BullMQ has nobody look for it.
      await this.#store.returnMarker(JOB_MARKER);
    };
    this.#hold(
      giving().catch((error) => this.#options.warn(`Job ${id} could not be put back into the queue.`, error)),
    );
  }

  #passMarkerOn(): void {
    const marker = this.#marker;
    this.#marker = null;
    if (marker !== null) this.#hold(this.#store.returnMarker(marker));
  }

  #hold(work: Promise<void>): void {
    const held: Promise<void> = work.catch(() => {}).finally(() => this.#open.delete(held));
    this.#open.add(held);
  }
}
