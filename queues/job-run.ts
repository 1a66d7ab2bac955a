import { MAX_WORKER_CRASHES } from '../src/contract/limits.js';
import { messageOf } from '../src/errors.js';
import type { Delivery, DeliveryHandler, Settlement } from '../src/ports/queue.js';
import type { CancelRequests } from './cancel-requests.js';
import type { Cancellation } from './cancellation.js';
import type { CrashGuard, GuardedRun, JobCrashes } from './crash-guard.js';
import type { JobCounts } from './driver.js';
import { toDelivery } from './job-codec.js';
import type { InvocationJob } from './job-data.js';
import type { JobSettler, PutBack } from './job-settler.js';
import type { Prefetch } from './prefetch.js';
import type { QueueKind } from './queue-names.js';
import type { SlotGrant, SlotLimiter } from './slot-limiter.js';
import type { Warn } from './warn.js';

/**
 * When the handler of a last attempt fails without recording the end of the invocation, the job is
 * not removed but delivered again after this delay, in milliseconds.
 */
const AFTER_FAULT: PutBack = { kind: 'later', delayMs: 2000 };
/** The delay of a job that gave up its place to the jobs behind it, in milliseconds. */
const BEHIND_OTHERS: PutBack = { kind: 'later', delayMs: 100 };
const NO_CRASHES: JobCrashes = { whileRunning: 0, starts: [] };

/**
 * What is to be done with a job that has been run: `done`: remove it from the queue; `moved`:
 * nothing, as this process no longer owns it; `unstarted`: return it to the queue without counting
 * an attempt.
 */
export type Disposition = 'done' | 'moved' | 'unstarted';

/** What the runs of one queue share in this process. */
export interface JobRunContext {
  kind: QueueKind;
  handler: DeliveryHandler;
  slots: SlotLimiter;
  guard: CrashGuard;
  cancelRequests: CancelRequests;
  prefetch: Prefetch;
  settler: JobSettler;
  jobCounts: Pick<JobCounts, 'began' | 'stopped'>;
  warn: Warn;
  /** Whether the slot limiter grants no more slots because the process stops. */
  isClosing(): boolean;
}

/** One run of a job in this process, from its slot to its settlement. */
export class JobRun {
  readonly #context: JobRunContext;
  readonly #job: InvocationJob;
  readonly #token: string;
  readonly #id: string;
  readonly #guarded: GuardedRun;
  readonly #cancellation: Cancellation;
  /** `undefined` before the slot and after its release. */
  #slot: { grant: SlotGrant | null; since: number } | undefined;

  constructor(context: JobRunContext, job: InvocationJob, token: string) {
    this.#context = context;
    this.#job = job;
    this.#token = token;
    this.#id = job.id ?? '';
    this.#guarded = context.guard.run(this.#id, job.stalledCounter);
    this.#cancellation = context.cancelRequests.track(this.#id, token);
    context.prefetch.recordFetch(job.data.s);
  }

  /** Rejects when the job's data cannot be decoded. */
  async run(): Promise<Disposition> {
    const { jobCounts } = this.#context;
    jobCounts.began?.(this.#job);
    try {
      return await this.#run();
    } finally {
      this.#releaseSlot();
      this.#context.cancelRequests.forget(this.#token);
      jobCounts.stopped?.(this.#job);
    }
  }

  async #run(): Promise<Disposition> {
    const { kind, slots, cancelRequests } = this.#context;
    const crashes = this.#job.stalledCounter === 0 ? NO_CRASHES : await this.#crashes();
    if (crashes === null) return this.#putBack(AFTER_FAULT);
    const runsAlone = crashes.whileRunning === MAX_WORKER_CRASHES - 1;
    cancelRequests.applyEarly(this.#cancellation);
    // The cancel request may have been sent while no worker, or another one, had the job.
    if (this.#job.attemptsStarted > 1) await cancelRequests.check(this.#cancellation);
    const waiting = runsAlone
      ? slots.acquireAlone(kind, this.#cancellation)
      : slots.acquire(kind, this.#job.data.n, this.#cancellation);
    const grant = waiting instanceof Promise ? await waiting : waiting;
    if (grant !== null) this.#slot = { grant, since: performance.now() };
    if (this.#isLost) return 'moved';
    // A cancelled job needs no slot: the handler only records its end.
    if (grant === null && !this.#cancellation.aborted) {
      return this.#context.isClosing() ? 'unstarted' : this.#putBack(BEHIND_OTHERS);
    }
    this.#slot ??= { grant, since: performance.now() };
    if (!runsAlone) this.#guarded.admitted();
    else if (!(await this.#recordBegin())) return this.#putBack(AFTER_FAULT);
    const settlement = await this.#deliver(crashes);
    // The store would refuse to settle a job that now belongs to another run.
    if (settlement.kind === 'lost' || this.#isLost) return 'moved';
    return settlement.kind === 'done' ? 'done' : this.#putBack(settlement);
  }

  get #isLost(): boolean {
    return this.#cancellation.reason === 'lost';
  }

  async #putBack(to: PutBack): Promise<Disposition> {
    await this.#context.settler.putBack(this.#job, this.#token, to, () => this.#isLost);
    return 'moved';
  }

  /** Idempotent. */
  #releaseSlot(): void {
    const slot = this.#slot;
    if (slot === undefined) return;
    this.#slot = undefined;
    this.#guarded.ended();
    slot.grant?.release();
    this.#context.prefetch.recordEnd(performance.now() - slot.since);
  }

  /** Throws when the job's data cannot be decoded. */
  #deliver({ whileRunning, starts }: JobCrashes): Promise<Settlement> {
    const { kind, slots } = this.#context;
    const delivery = toDelivery(this.#job, {
      crashesWhileRunning: whileRunning,
      crashStarts: starts,
      signal: this.#cancellation,
      begun: this.#guarded.began,
      releaseSlot: () => {
        this.#guarded.ended();
        if (kind === 'sync' || !slots.asyncYields) this.#releaseSlot();
      },
    });
    return this.#handle(delivery);
  }

  async #handle(delivery: Delivery): Promise<Settlement> {
    const { handler, warn } = this.#context;
    try {
      const settlement = await handler(delivery);
      if (settlement.kind !== 'retry' || !delivery.isLastAttempt) return settlement;
      warn(
        `The handler asked for a retry of invocation ${this.#id}, which has none left; the invocation is delivered again.`,
        settlement.error,
      );
    } catch (error) {
      warn(`The handler of invocation ${this.#id} failed; the invocation is delivered again.`, error);
      if (!delivery.isLastAttempt) return { kind: 'retry', error: messageOf(error) };
    }
    return AFTER_FAULT;
  }

  /**
   * Resolves with false when the journal cannot be written: without the record, another worker
   * crash would not be counted against a job that runs alone.
   */
  async #recordBegin(): Promise<boolean> {
    try {
      await this.#guarded.beganDurably();
      return true;
    } catch (error) {
      this.#context.warn(
        `Failed to record that invocation ${this.#id} runs alone; the invocation is delayed.`,
        error,
      );
      return false;
    }
  }

  /**
   * Resolves with the worker crashes in which the job was running, or with null when the journal
   * cannot be read: the job must then not run beside others.
   */
  async #crashes(): Promise<JobCrashes | null> {
    try {
      return await this.#guarded.crashes();
    } catch (error) {
      this.#context.warn(
        `Failed to read whether invocation ${this.#id} was running in a worker crash; the invocation is delayed.`,
        error,
      );
      return null;
    }
  }
}
