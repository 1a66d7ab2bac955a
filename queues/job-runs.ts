import { Job, type JobJson } from 'bullmq';
import type { Closable } from '../src/ports/closable.js';
import type { BullQueue } from './driver.js';
import { isJobData } from './job-codec.js';
import type { InvocationJob, JobData } from './job-data.js';
import type { JobSettler } from './job-settler.js';
import type { EmptyQueue, JobStore, NextJob } from './job-store.js';
import { LockRenewal } from './lock-renewal.js';
import type { QueueTimings } from './timings.js';
import type { Warn } from './warn.js';

/**
 * The result of running a job: `done`: remove it from the queue; `moved`: this process no longer
 * owns it; `unstarted`: return it to the queue without counting an attempt.
 */
export type RunOutcome = 'done' | 'moved' | 'unstarted';

export interface JobRunsOptions {
  store: JobStore;
  settler: JobSettler;
  /** The queue of the store, through which jobs are decoded. */
  queue: BullQueue<JobData>;
  timings: QueueTimings;
  warn: Warn;
  /** Runs a job until its end is recorded. Rejects when the job can never be run. */
  run(job: InvocationJob, token: string): Promise<RunOutcome>;
  /** Called with the lock token of a run when the job now belongs to another run. */
  onLost(token: string): void;
}

/** What the runs of jobs ask and tell the loop that fetched them. */
export interface RunEvents {
  /** Whether the command that completes a job may fetch the next one. */
  mayFetchNext(): boolean;
  /** Called when a completion found no next job. */
  foundEmpty(queue: EmptyQueue): void;
  /** Called when this process has one job less. */
  left(): void;
}

/** Runs the jobs that a run loop has fetched, holds their locks, and settles them. */
export class JobRuns implements Closable {
  readonly #options: JobRunsOptions;
  readonly #events: RunEvents;
  readonly #settler: JobSettler;
  readonly #renewal: LockRenewal;
  /** Runs and settlements that must end before the store is closed. */
  readonly #pending = new Set<Promise<void>>();
  #jobs = 0;
  #isStopped = false;

  constructor(options: JobRunsOptions, events: RunEvents) {
    this.#options = options;
    this.#events = events;
    this.#settler = options.settler;
    this.#renewal = new LockRenewal(options.store, options.timings.lockMs, options.onLost, options.warn);
  }

  /** The number of jobs that this process has. */
  get jobs(): number {
    return this.#jobs;
  }

  /** Whether runs or settlements are pending. */
  get arePending(): boolean {
    return this.#pending.size > 0;
  }

  /** Runs a fetched job, unless another program has added it. */
  start(json: JobJson, id: string, token: string): void {
    const job = this.#read(json, id, token);
    if (job === null) return;
    this.#jobs++;
    this.track(
      this.#runAll(job, token).finally(() => {
        this.#jobs--;
        this.#events.left();
      }),
    );
  }

  /** Returns a fetched job to the queue, with no attempt used. */
  giveBack(id: string, token: string): void {
    this.track(this.#settler.returnToQueue(id, token));
  }

  /** Makes `settled` wait for work that concerns a job. */
  track(work: Promise<void>): void {
    const tracked: Promise<void> = work.catch(() => {}).finally(() => this.#pending.delete(tracked));
    this.#pending.add(tracked);
  }

  /** Starts no next job from now on. Jobs that run are run to their end. */
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
      const id: string = job.id ?? '';
      this.#renewal.track(id, token);
      try {
        const outcome = await this.#options.run(job, token);
        if (outcome === 'unstarted') this.giveBack(id, token);
        job =
          outcome === 'done'
            ? this.#readNext(await this.#settler.complete(job, token, this.#events.mayFetchNext), token)
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
    this.giveBack(next.id, token);
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
