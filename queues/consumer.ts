import { availableParallelism } from 'node:os';
import { MAX_WORKER_CRASHES } from '../src/contract/limits.js';
import { messageOf } from '../src/errors.js';
import type { Closable } from '../src/ports/closable.js';
import type { Delivery, DeliveryHandler, Settlement } from '../src/ports/queue.js';
import { CancelRequests } from './cancel-requests.js';
import { CrashGuard, type GuardedRun } from './crash-guard.js';
import type { QueueDriver } from './driver.js';
import { toDelivery } from './job-codec.js';
import type { InvocationJob } from './job-data.js';
import type { RunOutcome } from './job-runs.js';
import { JobSettler, type PutBack } from './job-settler.js';
import { Prefetch } from './prefetch.js';
import { perQueue, QUEUE_KINDS, type QueueKind } from './queue-names.js';
import { RunLoop } from './run-loop.js';
import { type SlotGrant, SlotLimiter } from './slot-limiter.js';
import type { QueueTimings } from './timings.js';
import type { Warn } from './warn.js';

/**
 * When the handler of a last attempt fails without recording the end of the invocation, the job is
 * not removed but delivered again after this delay, in milliseconds.
 */
const AFTER_FAULT: PutBack = { kind: 'later', delayMs: 2000 };
/** The delay of a job that gave up its place to the jobs behind it, in milliseconds. */
const BEHIND_OTHERS: PutBack = { kind: 'later', delayMs: 100 };

export interface ConsumerSettings {
  concurrency: number;
  timings: QueueTimings;
  warn: Warn;
}

/**
 * Fetches jobs through one run loop per queue, passes them to the delivery handler, and settles
 * them as the handler decides.
 */
export class Consumer implements Closable {
  readonly #driver: QueueDriver;
  readonly #handler: DeliveryHandler;
  readonly #settings: ConsumerSettings;
  readonly #guard: CrashGuard;
  readonly #slots: SlotLimiter;
  readonly #prefetch: Readonly<Record<QueueKind, Prefetch>>;
  readonly #loops = new Map<QueueKind, { loop: RunLoop; detach: () => void }>();
  readonly #cancelRequests: CancelRequests;
  #closing: Promise<void> | undefined;

  private constructor(
    driver: QueueDriver,
    handler: DeliveryHandler,
    settings: ConsumerSettings,
    guard: CrashGuard,
  ) {
    this.#driver = driver;
    this.#handler = handler;
    this.#settings = settings;
    this.#guard = guard;
    this.#cancelRequests = new CancelRequests(driver, settings.warn);
    this.#prefetch = perQueue(
      (kind) => new Prefetch(kind, settings.concurrency, () => this.#setFetches(kind)),
    );
    this.#slots = new SlotLimiter(settings.concurrency, {
      limitOf: (kind) => this.#prefetch[kind].limit,
      changed: (kind) => this.#setFetches(kind),
      hasUnseen: (kind, seen) => driver.hasUnseen(kind, seen),
    });
  }

  static async start(
    driver: QueueDriver,
    handler: DeliveryHandler,
    settings: ConsumerSettings,
  ): Promise<Consumer> {
    const consumer = new Consumer(driver, handler, settings, new CrashGuard(await driver.openCrashJournal()));
    await consumer.#cancelRequests.subscribe();
    for (const kind of QUEUE_KINDS) await consumer.#startLoop(kind);
    return consumer;
  }

  #setFetches(kind: QueueKind): void {
    const { limit } = this.#prefetch[kind];
    const jobs = limit + this.#slots.extraFetches(kind);
    this.#loops.get(kind)?.loop.runs.setLimit(jobs, { prefetches: limit > this.#settings.concurrency });
  }

  async #startLoop(kind: QueueKind): Promise<void> {
    const { concurrency, timings, warn } = this.#settings;
    const driver = this.#driver;
    const store = await driver.openStore(kind, timings);
    const settler = new JobSettler({
      store,
      warn,
      jobCounts: driver.jobCounts,
    });
    const loop: RunLoop = new RunLoop({
      store,
      settler,
      queue: driver.queues[kind],
      limit: concurrency,
      cores: availableParallelism(),
      waitSeconds: driver.waitSeconds,
      timings,
      warn,
      run: async (job, token) => {
        driver.jobCounts.began?.(job);
        try {
          return await this.#run(kind, settler, job, token);
        } finally {
          driver.jobCounts.stopped?.(job);
        }
      },
      onLost: (token) => this.#cancelRequests.lose(token),
    });
    this.#loops.set(kind, { loop, detach: driver.fetchOnAdd(kind, loop.runs) });
  }

  /** Runs one job from slot to settlement. Rejects when the job's data cannot be decoded. */
  async #run(kind: QueueKind, settler: JobSettler, job: InvocationJob, token: string): Promise<RunOutcome> {
    const id = job.id ?? '';
    const guarded = this.#guard.run(id, job.stalledCounter);
    const cancellation = this.#cancelRequests.track(id, token);
    this.#prefetch[kind].recordFetch(job.data.s);
    const putBack = async (settlement: PutBack): Promise<RunOutcome> => {
      await settler.putBack(job, token, settlement, () => cancellation.reason === 'lost');
      return 'moved';
    };
    let release = () => {};
    try {
      const crashesWhileRunning = job.stalledCounter === 0 ? 0 : await this.#crashesWhileRunning(id, guarded);
      if (crashesWhileRunning === null) return await putBack(AFTER_FAULT);
      const runsAlone = crashesWhileRunning === MAX_WORKER_CRASHES - 1;
      const waiting = runsAlone ? this.#slots.acquireAlone(kind) : this.#slots.acquire(kind, job.data.n);
      const grant = waiting instanceof Promise ? await waiting : waiting;
      // A cancelled job needs no slot: the handler only records its end.
      if (grant === null && !cancellation.aborted) {
        return this.#closing === undefined ? await putBack(BEHIND_OTHERS) : 'unstarted';
      }
      release = this.#releaseOf(kind, guarded, grant);
      if (!runsAlone) guarded.admitted();
      else if (!(await this.#recordBegin(id, guarded))) return await putBack(AFTER_FAULT);
      this.#cancelRequests.applyEarly(cancellation);
      // The cancel request may have been sent while no worker, or another one, had the job.
      if (job.attemptsStarted > 1) await this.#cancelRequests.check(cancellation);
      const settlement = await this.#deliver(kind, job, {
        guarded,
        crashesWhileRunning,
        signal: cancellation,
        release,
      });
      // The store would refuse to settle a job that now belongs to another run.
      if (settlement.kind === 'lost' || cancellation.reason === 'lost') return 'moved';
      return settlement.kind === 'done' ? 'done' : await putBack(settlement);
    } finally {
      release();
      this.#cancelRequests.forget(token);
    }
  }

  /** Throws when the job's data cannot be decoded. */
  #deliver(
    kind: QueueKind,
    job: InvocationJob,
    run: Pick<Delivery, 'crashesWhileRunning' | 'signal'> & { guarded: GuardedRun; release: () => void },
  ): Promise<Settlement> {
    const delivery = toDelivery(job, {
      crashesWhileRunning: run.crashesWhileRunning,
      signal: run.signal,
      begun: run.guarded.began,
      releaseSlot: () => {
        run.guarded.ended();
        if (kind === 'sync' || !this.#slots.asyncYields) run.release();
      },
    });
    return this.#handle(delivery);
  }

  /** Returns the function that releases the slot of a job that begins now, once. */
  #releaseOf(kind: QueueKind, guarded: GuardedRun, grant: SlotGrant | null): () => void {
    const began = performance.now();
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      guarded.ended();
      grant?.release();
      this.#prefetch[kind].recordEnd(performance.now() - began);
    };
  }

  /**
   * Resolves with false when the journal cannot be written: without the record, another worker
   * crash would not be counted against a job that runs alone.
   */
  async #recordBegin(id: string, guarded: GuardedRun): Promise<boolean> {
    try {
      await guarded.beganDurably();
      return true;
    } catch (error) {
      this.#settings.warn(
        `Failed to record that invocation ${id} runs alone; the invocation is delayed.`,
        error,
      );
      return false;
    }
  }

  /**
   * Resolves with the number of worker crashes in which the job was running, or with null when the
   * journal cannot be read: the job must then not run beside others.
   */
  async #crashesWhileRunning(id: string, guarded: GuardedRun): Promise<number | null> {
    try {
      return await guarded.crashesWhileRunning();
    } catch (error) {
      this.#settings.warn(
        `Failed to read whether invocation ${id} was running in a worker crash; the invocation is delayed.`,
        error,
      );
      return null;
    }
  }

  async #handle(delivery: Delivery): Promise<Settlement> {
    try {
      const settlement = await this.#handler(delivery);
      if (settlement.kind !== 'retry' || !delivery.isLastAttempt) return settlement;
      this.#settings.warn(
        `The handler asked for a retry of invocation ${delivery.invocation.id}, which has none left; the invocation is delivered again.`,
        settlement.error,
      );
    } catch (error) {
      this.#settings.warn(
        `The handler of invocation ${delivery.invocation.id} failed; the invocation is delivered again.`,
        error,
      );
      if (!delivery.isLastAttempt) return { kind: 'retry', error: messageOf(error) };
    }
    return AFTER_FAULT;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const loops = [...this.#loops.values()];
    for (const { detach } of loops) detach();
    this.#slots.stop();
    await Promise.all(loops.map(({ loop }) => loop.close()));
    await this.#slots.close();
    await this.#guard.close();
    await this.#cancelRequests.close();
  }
}
