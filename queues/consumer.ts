import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { MAX_WORKER_CRASHES } from '../src/contract/limits.js';
import { messageOf } from '../src/errors.js';
import type { Closable } from '../src/ports/closable.js';
import type { Delivery, DeliveryHandler, Settlement } from '../src/ports/queue.js';
import { Cancellation } from './cancellation.js';
import { CrashGuard } from './crash-guard.js';
import type { InvocationJob, QueueDriver, QueueTimings, Warn } from './driver.js';
import { perQueue } from './fairness.js';
import { isLost, type JobStore } from './job-store.js';
import { decodeInvocation, QUEUE_KINDS, type QueueKind } from './jobs.js';
import { Prefetch } from './prefetch.js';
import { putBack } from './put-back.js';
import { RunLoop, type RunOutcome } from './run-loop.js';
import { SlotLimiter } from './slot-limiter.js';

/**
 * Why a delivery's signal was aborted: the invocation was cancelled, or another worker has taken
 * the job over.
 */
const CANCELLED = 'cancelled';
const LOST = 'lost';

/**
 * A job whose handler fails without an attempt left is not thrown away but shown to it again after
 * this.
 */
const FAULT_DELAY_MS = 2000;
/** A cancel request may overtake the job that it is for on the way to this worker. */
const EARLY_CANCEL_MS = 10_000;
const PUT_BACK_AGAIN_MS = 1000;
/** How long a job stays away that has made way for those behind it. */
const MADE_WAY_MS = 100;

/** What becomes of a job that is not over. */
type PutBack = Exclude<Settlement, { kind: 'done' }>;

export interface ConsumerSettings {
  concurrency: number;
  timings: QueueTimings;
  warn: Warn;
}

/** Takes jobs, hands them to the one handler, and settles them as it says. */
export class Consumer implements Closable {
  readonly #driver: QueueDriver;
  readonly #handler: DeliveryHandler;
  readonly #settings: ConsumerSettings;
  readonly #guard: CrashGuard;
  readonly #slots: SlotLimiter;
  readonly #prefetch: Readonly<Record<QueueKind, Prefetch>>;
  readonly #loops = new Map<QueueKind, { loop: RunLoop; store: JobStore; detach: () => void }>();
  readonly #active = new Map<string, Cancellation>();
  readonly #earlyCancels = new Map<string, NodeJS.Timeout>();
  #cancelRequests: Closable | undefined;
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
    consumer.#cancelRequests = await driver.onCancelRequest((id) => consumer.#onCancelRequest(id));
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
        driver.begun(job);
        try {
          return await this.#run(kind, store, job, token);
        } finally {
          driver.over(job);
        }
      },
      onEnded: (job) => driver.ended(job),
      onLost: (id) => this.#active.get(id)?.abort(LOST),
    });
    this.#loops.set(kind, { loop, store, detach: driver.takeOnAdd(kind, loop) });
  }

  /** Rejects for a job that cannot be read. */
  async #run(kind: QueueKind, store: JobStore, job: InvocationJob, token: string): Promise<RunOutcome> {
    const id = job.id ?? '';
    const { stalledCounter: crashes } = job;
    const cancellation = new Cancellation();
    this.#active.set(id, cancellation);
    this.#prefetch[kind].recordFetch(job.data.s);
    const back = (settlement: PutBack) => this.#putBack(store, job, token, settlement);
    let release = () => {};
    try {
      const crashesWhileRunning = crashes === 0 ? 0 : await this.#crashesWhileRunning(id, crashes);
      if (crashesWhileRunning === null) return await back({ kind: 'later', delayMs: FAULT_DELAY_MS });
      const alone = crashesWhileRunning === MAX_WORKER_CRASHES - 1;
      const granted = alone ? this.#slots.acquireAlone(kind) : this.#slots.acquire(kind, job.data.n);
      const grant = granted === null ? 'slot' : ((await granted) ?? 'slot');
      // One that was cancelled needs none: it is handled, and not run.
      if (grant === 'none' && !cancellation.aborted) {
        if (this.#closing !== undefined) return 'unstarted';
        return await back({ kind: 'later', delayMs: MADE_WAY_MS });
      }
      const began = performance.now();
      let holds = true;
      release = () => {
        if (!holds) return;
        holds = false;
        this.#guard.ended(id, crashes);
        if (alone) this.#slots.releaseAlone(kind);
        else this.#slots.release(kind, job.data.n, grant);
        this.#prefetch[kind].recordEnd(performance.now() - began);
      };
      if (!alone) this.#guard.admitted(id, crashes);
      else if (!(await this.#recordBegin(id, crashes))) {
        return await back({ kind: 'later', delayMs: FAULT_DELAY_MS });
      }
      if (this.#earlyCancels.has(id)) cancellation.abort(CANCELLED);
      // As it may have been while this worker did not have it, or put it back.
      if (job.attemptsStarted > 1) await this.#checkCancelled(id);
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
      this.#active.delete(id);
    }
  }

  /** Without the record, one more crash of a job that runs alone would not count against it. */
  async #recordBegin(id: string, crashes: number): Promise<boolean> {
    try {
      await this.#guard.beganDurably(id, crashes);
      return true;
    } catch (error) {
      this.#settings.warn(`That invocation ${id} runs alone could not be recorded; it waits.`, error);
      return false;
    }
  }

  /** Null when it cannot be known now: then the job must not run beside others. */
  async #crashesWhileRunning(id: string, crashes: number): Promise<number | null> {
    try {
      return await this.#guard.crashesWhileRunning(id, crashes);
    } catch (error) {
      this.#settings.warn(
        `Whether invocation ${id} was running in a crash is not known yet; it waits.`,
        error,
      );
      return null;
    }
  }

  async #handle(delivery: Delivery): Promise<Settlement> {
    try {
      const settlement = await this.#handler(delivery);
      if (settlement.kind !== 'retry' || !delivery.isLastAttempt) return settlement;
      this.#settings.warn(`Invocation ${delivery.invocation.id} has no retry left.`, settlement.error);
    } catch (error) {
      this.#settings.warn(
        `Invocation ${delivery.invocation.id} could not be handled; it is run again.`,
        error,
      );
      if (!delivery.isLastAttempt) return { kind: 'retry', error: messageOf(error) };
    }
    return { kind: 'later', delayMs: FAULT_DELAY_MS };
  }

  /**
   * Puts a job back that is not over. Nothing has been recorded of its end, so it is tried again
   * and again while this worker has the job.
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
        this.#settings.warn(`Invocation ${id} cannot be put back into the queue; it is tried again.`, error);
      }
      if (this.#closing !== undefined || this.#active.get(id)?.reason === LOST) return 'moved';
      await sleep(PUT_BACK_AGAIN_MS);
    }
  }

  #onCancelRequest(id: string | null): void {
    if (id === null) {
      for (const inHand of this.#active.keys()) void this.#checkCancelled(inHand);
      return;
    }
    const cancellation = this.#active.get(id);
    if (cancellation !== undefined) {
      cancellation.abort(CANCELLED);
      return;
    }
    const timer = setTimeout(() => this.#earlyCancels.delete(id), EARLY_CANCEL_MS);
    timer.unref();
    clearTimeout(this.#earlyCancels.get(id));
    this.#earlyCancels.set(id, timer);
  }

  async #checkCancelled(id: string): Promise<void> {
    try {
      if (await this.#driver.isCancelRequested(id)) this.#active.get(id)?.abort(CANCELLED);
    } catch (error) {
      this.#settings.warn(`Whether invocation ${id} was cancelled is not known; it runs.`, error);
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
    await this.#cancelRequests?.close();
    for (const timer of this.#earlyCancels.values()) clearTimeout(timer);
  }
}

function toDelivery(
  job: InvocationJob,
  own: Pick<Delivery, 'crashesWhileRunning' | 'signal' | 'begun' | 'releaseSlot'>,
): Delivery {
  const failures = job.attemptsMade;
  const crashes = job.stalledCounter;
  const attempts = Math.max(1, job.opts.attempts ?? 1);
  return {
    invocation: decodeInvocation(job.id ?? '', job.name, job.data),
    attempt: failures + crashes + 1,
    failures,
    crashes,
    crashesWhileRunning: own.crashesWhileRunning,
    attempts,
    isLastAttempt: failures + 1 >= attempts,
    redelivered: job.attemptsStarted > failures + 1,
    signal: own.signal,
    begun: own.begun,
    releaseSlot: own.releaseSlot,
  };
}
