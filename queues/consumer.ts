import { setTimeout as sleep } from 'node:timers/promises';
import { DelayedError } from 'bullmq';
import { MAX_WORKER_CRASHES } from '../src/contract/limits.js';
import { messageOf } from '../src/errors.js';
import type { Closable } from '../src/ports/closable.js';
import type { Delivery, DeliveryHandler, Settlement } from '../src/ports/queue.js';
import { Cancellation } from './cancellation.js';
import { CrashGuard } from './crash-guard.js';
import {
  type BullWorker,
  type InvocationJob,
  KEEP_NOTHING,
  type QueueDriver,
  type QueueTimings,
  type Warn,
} from './driver.js';
import { perQueue } from './fairness.js';
import {
  DOUBLING,
  decodeInvocation,
  doublingBackoff,
  type JobData,
  QUEUE_KINDS,
  type QueueKind,
} from './jobs.js';
import { Prefetch } from './prefetch.js';
import { SlotLimiter } from './slot-limiter.js';

/**
 * Why a delivery's signal was aborted: the invocation was cancelled, or another worker has taken
 * the job over.
 */
const CANCELLED = 'cancelled';
const LOST = 'lost';

/**
 * BullMQ itself never gives a job up: the handler decides which crash is the last, once the dead
 * letter is durable.
 */
const NEVER = 1_000_000;
/**
 * A job whose handler fails without an attempt left is not thrown away but shown to it again after
 * this.
 */
const FAULT_DELAY_MS = 2000;
/** A cancel request may overtake the job that it is for on the way to this worker. */
const EARLY_CANCEL_MS = 10_000;
const RECONNECT_MS = 1000;
const PUT_BACK_AGAIN_MS = 1000;
/** How long a job stays away that has made way for those behind it. */
const MADE_WAY_MS = 100;

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
  readonly #workers = new Map<QueueKind, BullWorker<JobData>>();
  readonly #active = new Map<string, Cancellation>();
  /** Jobs whose end is durable: they may leave the queue in any way. */
  readonly #over = new WeakSet<object>();
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
    });
  }

  static async start(
    driver: QueueDriver,
    handler: DeliveryHandler,
    settings: ConsumerSettings,
  ): Promise<Consumer> {
    const consumer = new Consumer(driver, handler, settings, new CrashGuard(await driver.openCrashJournal()));
    consumer.#cancelRequests = await driver.onCancelRequest((id) => consumer.#onCancelRequest(id));
    for (const kind of QUEUE_KINDS) await consumer.#addWorker(kind);
    return consumer;
  }

  #setFetches(kind: QueueKind): void {
    const worker = this.#workers.get(kind);
    if (worker === undefined) return;
    const before = worker.concurrency;
    worker.concurrency = this.#prefetch[kind].limit + this.#slots.extraFetches(kind);
    if (worker.concurrency > before) fetchMore(worker);
  }

  async #addWorker(kind: QueueKind): Promise<void> {
    const { concurrency, timings, warn } = this.#settings;
    const worker: BullWorker<JobData> = await this.#driver.createWorker<JobData>(
      kind,
      // Of two arguments: for a third BullMQ makes an AbortController for each job.
      (job, token) => this.#run(kind, job, token),
      {
        concurrency,
        lockDuration: timings.lockMs,
        stalledInterval: timings.stalledCheckMs,
        maxStalledCount: NEVER,
        runRetryDelay: RECONNECT_MS,
        ...KEEP_NOTHING,
        settings: {
          backoffStrategy: (failures, type, _error, job) => {
            const backoff = job?.opts.backoff;
            const delay = typeof backoff === 'object' ? (backoff.delay ?? 0) : 0;
            return type === DOUBLING ? doublingBackoff(delay, failures) : delay;
          },
        },
      },
    );
    this.#workers.set(kind, worker);
    worker.on('completed', (job) => this.#driver.ended(job));
    worker.on('failed', (job, error) => {
      if (job?.finishedOn === undefined) return;
      this.#driver.ended(job);
      if (!this.#over.has(job))
        warn(`Invocation ${job.id} left the queue without having been settled.`, error);
    });
    worker.on('lockRenewalFailed', (ids) => {
      for (const id of ids) this.#active.get(id)?.abort(LOST);
    });
    // Lost locks and lost connections, mostly: BullMQ goes on by itself.
    worker.on('error', (error) => warn('A queue worker reports a fault.', error));
    await worker.waitUntilReady();
  }

  async #run(kind: QueueKind, job: InvocationJob, token: string | undefined): Promise<void> {
    const id = job.id ?? '';
    const { stalledCounter: crashes } = job;
    const cancellation = new Cancellation();
    this.#active.set(id, cancellation);
    this.#prefetch[kind].recordFetch(job.data.s);
    let release = () => {};
    try {
      const crashesWhileRunning = crashes === 0 ? 0 : await this.#crashesWhileRunning(id, crashes);
      if (crashesWhileRunning === null) {
        return await this.#putBack(job, token, { kind: 'later', delayMs: FAULT_DELAY_MS });
      }
      const alone = crashesWhileRunning === MAX_WORKER_CRASHES - 1;
      const granted = alone ? this.#slots.acquireAlone(kind) : this.#slots.acquire(kind, job.data.n);
      const grant = granted === null ? 'slot' : ((await granted) ?? 'slot');
      // One that was cancelled needs none: it is handled, and not run.
      if (grant === 'none' && !cancellation.aborted) {
        return await this.#putBack(job, token, { kind: 'later', delayMs: MADE_WAY_MS });
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
        return await this.#putBack(job, token, { kind: 'later', delayMs: FAULT_DELAY_MS });
      }
      if (this.#earlyCancels.has(id)) cancellation.abort(CANCELLED);
      // As it may have been while it was not in this worker's hands, or being put back.
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
      if (settlement.kind === 'done') this.#over.add(job);
      else await this.#putBack(job, token, settlement);
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
   * Puts a job back that is not over. BullMQ would give up a job that it cannot put back, and
   * remove one without attempts left although nothing has been recorded of its end; so it is done
   * here, again and again while this worker has the job.
   */
  async #putBack(
    job: InvocationJob,
    token: string | undefined,
    settlement: Exclude<Settlement, { kind: 'done' }>,
  ): Promise<never> {
    const id = job.id ?? '';
    while (!(await this.#isPutBack(job, token, settlement))) {
      if (this.#closing !== undefined || this.#active.get(id)?.reason === LOST) break;
      await sleep(PUT_BACK_AGAIN_MS);
    }
    // Says that the job has been moved already, or is another worker's by now.
    throw new DelayedError();
  }

  /** False when it is to be tried again. */
  async #isPutBack(
    job: InvocationJob,
    token: string | undefined,
    settlement: Exclude<Settlement, { kind: 'done' }>,
  ): Promise<boolean> {
    const id = job.id ?? '';
    try {
      if (settlement.kind === 'retry') {
        const failure = new Error(settlement.error);
        // BullMQ keeps stacks in the job; ours would only say this line.
        failure.stack = '';
        await job.moveToFailed(failure, token ?? '');
        return true;
      }
      const until = Date.now() + settlement.delayMs;
      await job.moveToDelayed(until, token);
      this.#driver.postponed(id, until);
      return true;
    } catch (error) {
      if (isLost(error)) return true;
      this.#settings.warn(`Invocation ${id} cannot be put back into the queue; it is tried again.`, error);
      return false;
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
    const closed = Promise.all([...this.#workers.values()].map((worker) => worker.close()));
    this.#slots.stop();
    await closed;
    await this.#slots.close();
    await this.#guard.close();
    await this.#cancelRequests?.close();
    for (const timer of this.#earlyCancels.values()) clearTimeout(timer);
  }
}

/**
 * BullMQ fetches again when a job ends, and not when it may have more of them: its loop waits for
 * any of what it has begun, so it gets something that is over. Where it has no such loop, the next
 * job that ends makes it look.
 */
function fetchMore(worker: object): void {
  const begun: unknown = Reflect.get(worker, 'mainLoopQueue');
  if (typeof begun !== 'object' || begun === null) return;
  if ('add' in begun && typeof begun.add === 'function') begun.add(Promise.resolve());
}

/** BullMQ's scripts answer with these codes when the job is gone, or another worker's. */
function isLost(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && error.code < 0;
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
