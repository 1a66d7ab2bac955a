import { randomUUID } from 'node:crypto';
import { Job, type JobJson } from 'bullmq';
import type { Closable } from '../src/ports/closable.js';
import type { BatchFetcher } from './batch-fetcher.js';
import type { BullQueue } from './driver.js';
import { isJobData } from './job-codec.js';
import type { InvocationJob, JobData } from './job-data.js';
import type { Disposition } from './job-run.js';
import type { JobSettler } from './job-settler.js';
import {
  type EmptyQueue,
  type HeldRun,
  type JobStore,
  MAX_JOBS_PER_COMMAND,
  type NextJob,
} from './job-store.js';
import { LockRenewal } from './lock-renewal.js';
import type { QueueTimings } from './timings.js';
import type { Warn } from './warn.js';

export interface JobRunsOptions {
  store: JobStore;
  settler: JobSettler;
  /** The queue of the store, through which jobs are decoded. */
  queue: BullQueue<JobData>;
  /** The initial number of jobs that the process may have at once; see `setLimit`. */
  limit: number;
  /** The number of CPU cores: the largest number of jobs to fetch at once while jobs are slow. */
  cores: number;
  timings: QueueTimings;
  warn: Warn;
  /** Runs a job until its end is recorded. Rejects when the job can never be run. */
  run(job: InvocationJob, token: string): Promise<Disposition>;
  /** Called with the lock token of a run when the job now belongs to another run. */
  onLost(token: string): void;
}

/** What the run loop learns from its jobs. */
export interface RunEvents {
  /** Called when a completion found no next job. */
  foundEmpty(queue: EmptyQueue): void;
  /** Called when the number of jobs, or of those that are allowed, may have changed. */
  changed(): void;
}

/**
 * The jobs of one queue in this process: how many it may fetch and which it has. Runs them, holds
 * their locks, and has them settled. When to fetch is decided by the run loop.
 */
export class JobRuns implements Closable, BatchFetcher {
  readonly #options: JobRunsOptions;
  readonly #events: RunEvents;
  readonly #settler: JobSettler;
  readonly #renewal: LockRenewal;
  /** Runs and settlements that must end before the store is closed. */
  readonly #pending = new Set<Promise<void>>();
  readonly #id = randomUUID();
  #tokens = 0;
  /** The jobs that this process has, including those that wait for a slot. */
  #jobs = 0;
  /** The number of jobs that pending commands may fetch. */
  #reserved = 0;
  #limit: number;
  #prefetches = false;
  #isStopped = false;

  constructor(options: JobRunsOptions, events: RunEvents) {
    this.#options = options;
    this.#events = events;
    this.#settler = options.settler;
    this.#limit = options.limit;
    this.#renewal = new LockRenewal(options.store, options.timings.lockMs, options.onLost, options.warn);
  }

  get lockMs(): number {
    return this.#options.timings.lockMs;
  }

  /** Whether no further job may be fetched. */
  get isFull(): boolean {
    return this.#freeCapacity <= 0;
  }

  /** Whether runs or settlements are pending. */
  get hasPending(): boolean {
    return this.#pending.size > 0;
  }

  /** Whether a pending command may still bring jobs. */
  get hasReserved(): boolean {
    return this.#reserved > 0;
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
    this.#events.changed();
  }

  /**
   * Fetches as many jobs as there is room for, at most one command's. Rejects when the store fails.
   *
   * @param onAnswer Called with the last result before the jobs begin.
   */
  async fetch(onAnswer: (last: NextJob) => void): Promise<void> {
    const most = this.#prefetches ? MAX_JOBS_PER_COMMAND : this.#options.cores;
    const tokens = this.#reserveTokens(Math.min(this.#freeCapacity, most));
    let answers: NextJob[] = [];
    try {
      answers = await this.#options.store.moveManyToActive(tokens);
      const last = answers.at(-1);
      if (last !== undefined) onAnswer(last);
    } finally {
      this.deliver(tokens, answers);
    }
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
      if (this.#isBeyondLimit) this.#returnToQueue(heldRunOf(answer.json, answer.id, token));
      else this.#start(answer.json, answer.id, token);
    }
    this.#events.changed();
  }

  get #claimed(): number {
    return this.#jobs + this.#reserved;
  }

  get #freeCapacity(): number {
    return this.#isStopped ? 0 : this.#limit - this.#claimed;
  }

  /**
   * Whether a fetched job would wait here for long: the jobs are stopped, or their limit has been
   * lowered meanwhile. What one fetch brings while jobs are slow is kept nevertheless: a completion
   * may already have fetched the job behind it, which would then run first.
   */
  get #isBeyondLimit(): boolean {
    return this.#isStopped || this.#freeCapacity <= -this.#options.cores;
  }

  #reserveTokens(count: number): readonly string[] {
    const tokens = Array.from({ length: Math.max(0, count) }, () => `${this.#id}:${this.#tokens++}`);
    this.#reserved += tokens.length;
    return tokens;
  }

  /** Runs a fetched job, unless another program has added it. */
  #start(json: JobJson, id: string, token: string): void {
    const job = this.#read(json, id, token);
    if (job === null) return;
    this.#jobs++;
    this.track(
      this.#runAll(job, token).finally(() => {
        this.#jobs--;
        this.#events.changed();
      }),
    );
  }

  /** Returns a fetched job to the queue, with no attempt used. */
  #returnToQueue(run: HeldRun): void {
    this.track(this.#settler.returnToQueue(run));
  }

  /** Whether a completion may fetch the next job: while no more are claimed than are allowed. */
  get #mayFetchNext(): boolean {
    return !this.#isStopped && this.#freeCapacity >= 0;
  }

  /** Makes `settled` wait for work that concerns a job. */
  track(work: Promise<void>): void {
    const tracked: Promise<void> = work.catch(() => {}).finally(() => this.#pending.delete(tracked));
    this.#pending.add(tracked);
  }

  /**
   * Starts no job from now on, and returns those that still arrive. Running jobs run to their end.
   */
  stop(): void {
    this.#isStopped = true;
    this.#settler.stopRetries();
  }

  /** Resolves when what is pending now has ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#pending);
  }

  close(): Promise<void> {
    return this.#renewal.close();
  }

  /** Runs a job, and then each next job that a completion fetched under the same token. */
  async #runAll(first: InvocationJob, token: string): Promise<void> {
    let job: InvocationJob | null = first;
    while (job !== null) {
      const held: HeldRun = { id: job.id ?? '', token, attemptsStarted: job.attemptsStarted };
      this.#renewal.track(held);
      try {
        const disposition = await this.#options.run(job, token);
        if (disposition === 'unstarted') this.#returnToQueue(held);
        job =
          disposition === 'done'
            ? this.#readNext(await this.#settler.complete(job, token, () => this.#mayFetchNext), token)
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
    if (next.kind === 'empty') {
      this.#events.foundEmpty(next);
      return null;
    }
    if (!this.#isStopped) return this.#read(next.json, next.id, token);
    this.#returnToQueue(heldRunOf(next.json, next.id, token));
    return null;
  }

  /** Returns null for a job that another program has added, and fails that job. */
  #read(json: JobJson, id: string, token: string): InvocationJob | null {
    try {
      const job = this.#decode(json, id);
      if (isJobData(job.data)) return job;
      this.track(this.#settler.refuse(job, token, new Error('its data is not that of an invocation')));
    } catch (error) {
      this.track(this.#settler.refuse(this.#decode({ ...json, data: '{}' }, id), token, error));
    }
    return null;
  }

  #decode(json: JobJson, id: string): InvocationJob {
    return Job.fromJSON<JobData, void>(this.#options.queue, json, id);
  }
}

function heldRunOf({ attemptsStarted }: JobJson, id: string, token: string): HeldRun {
  return { id, token, attemptsStarted };
}
