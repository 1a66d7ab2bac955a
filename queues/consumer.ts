import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { MAX_WORKER_CRASHES } from '../src/contract/limits.js';
import { messageOf } from '../src/errors.js';
import type { Closable } from '../src/ports/closable.js';
import type { Delivery, DeliveryHandler, Settlement } from '../src/ports/queue.js';
import { CancelRequests } from './cancel-requests.js';
import { CrashGuard } from './crash-guard.js';
import type { InvocationJob, QueueDriver, QueueTimings, Warn } from './driver.js';
import { perQueue } from './fairness.js';
import { isLost, type JobStore } from './job-store.js';
import { QUEUE_KINDS, type QueueKind } from './jobs.js';
import { Prefetch } from './prefetch.js';
import { putBack } from './put-back.js';
import { RunLoop, type RunOutcome } from './run-loop.js';
import { SlotLimiter } from './slot-limiter.js';
import { toDelivery } from './to-delivery.js';

/**
 * When the handler of a last attempt fails without recording the end of the invocation, the job is
 * not removed but delivered again after this delay.
 */
const FAULT_DELAY_MS = 2000;
/** The delay between attempts to put a job back. */
const PUT_BACK_RETRY_MS = 1000;
/** How long a job that gave up its place to the jobs behind it is delayed. */
const YIELD_DELAY_MS = 100;

/** The settlement of a job that stays in the queue. */
type PutBack = Exclude<Settlement, { kind: 'done' }>;

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
  readonly #loops = new Map<QueueKind, { loop: RunLoop; store: JobStore; detach: () => void }>();
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
      namespaces: () => driver.namespaces(),
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
    this.#loops.get(kind)?.loop.setLimit(jobs, { prefetches: limit > this.#settings.concurrency });
  }

  async #startLoop(kind: QueueKind): Promise<void> {
    const { concurrency, timings, warn } = this.#settings;
    const driver = this.#driver;
    const store = await driver.openStore(kind, timings);
    const loop: RunLoop = new RunLoop({
      store,
      queue: driver.queues[kind],
      limit: concurrency,
      cores: availableParallelism(),
      waitSeconds: driver.waitSeconds,
      timings,
      warn,
      run: async (job, token) => {
        driver.started(job);
        try {
          return await this.#run(kind, store, job, token);
        } finally {
          driver.released(job);
        }
      },
      onEnded: (job) => driver.ended(job),
      onLost: (id) => this.#cancelRequests.lose(id),
    });
    this.#loops.set(kind, { loop, store, detach: driver.fetchOnAdd(kind, loop) });
  }

  /** Runs one job from slot to settlement. Rejects when the job's data cannot be decoded. */
  async #run(kind: QueueKind, store: JobStore, job: InvocationJob, token: string): Promise<RunOutcome> {
    const id = job.id ?? '';
    const { stalledCounter: crashes } = job;
    const cancellation = this.#cancelRequests.track(id);
    this.#prefetch[kind].recordFetch(job.data.s);
    const back = (settlement: PutBack) => this.#putBack(store, job, token, settlement);
    let release = () => {};
    try {
      const crashesWhileRunning = crashes === 0 ? 0 : await this.#crashesWhileRunning(id, crashes);
      if (crashesWhileRunning === null) return await back({ kind: 'later', delayMs: FAULT_DELAY_MS });
      const runsAlone = crashesWhileRunning === MAX_WORKER_CRASHES - 1;
      const granted = runsAlone ? this.#slots.acquireAlone(kind) : this.#slots.acquire(kind, job.data.n);
      const grant = granted === null ? 'slot' : await granted;
      // A cancelled job needs no slot: the handler only records its end.
      if (grant === 'none' && !cancellation.aborted) {
        if (this.#closing !== undefined) return 'unstarted';
        return await back({ kind: 'later', delayMs: YIELD_DELAY_MS });
      }
      const began = performance.now();
      let holds = true;
      release = () => {
        if (!holds) return;
        holds = false;
        this.#guard.ended(id, crashes);
        if (runsAlone) this.#slots.releaseAlone(kind, grant);
        else this.#slots.release(kind, job.data.n, grant);
        this.#prefetch[kind].recordEnd(performance.now() - began);
      };
      if (!runsAlone) this.#guard.admitted(id, crashes);
      else if (!(await this.#recordBegin(id, crashes))) {
        return await back({ kind: 'later', delayMs: FAULT_DELAY_MS });
      }
      this.#cancelRequests.applyEarly(id, cancellation);
      // The cancel request may have been sent while no worker, or another one, had the job.
      if (job.attemptsStarted > 1) await this.#cancelRequests.check(id);
      const delivery = toDelivery(job, {
        crashesWhileRunning,
        signal: cancellation,
        begun: () => this.#guard.began(id, crashes),
        releaseSlot: () => {
          this.#guard.ended(id, crashes);
          if (kind === 'sync' || !this.#slots.asyncYields) release();
        },
      });
      const settlement = await this.#handle(delivery);
      return settlement.kind === 'done' ? 'done' : await back(settlement);
    } finally {
      release();
      this.#cancelRequests.forget(id);
    }
  }

  /**
   * Resolves with false when the journal cannot be written: without the record, another worker
   * crash would not be counted against a job that runs alone.
   */
  async #recordBegin(id: string, crashes: number): Promise<boolean> {
    try {
      await this.#guard.beganDurably(id, crashes);
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
  async #crashesWhileRunning(id: string, crashes: number): Promise<number | null> {
    try {
      return await this.#guard.crashesWhileRunning(id, crashes);
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
    return { kind: 'later', delayMs: FAULT_DELAY_MS };
  }

  /**
   * Puts a job that is not finished back into the queue. The end of the job has not been recorded,
   * so the call retries for as long as this worker owns the job.
   */
  async #putBack(store: JobStore, job: InvocationJob, token: string, settlement: PutBack): Promise<'moved'> {
    const id = job.id ?? '';
    for (;;) {
      try {
        const delayed = await putBack(store, job, token, settlement);
        if (delayed !== null) this.#driver.postponed(id, delayed.until);
        return 'moved';
      } catch (error) {
        if (isLost(error)) return 'moved';
        this.#settings.warn(`Failed to put invocation ${id} back into the queue; retrying.`, error);
      }
      if (this.#closing !== undefined || this.#cancelRequests.isLost(id)) return 'moved';
      await sleep(PUT_BACK_RETRY_MS);
    }
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
