import { availableParallelism } from 'node:os';
import type { Closable } from '../src/ports/closable.js';
import type { DeliveryHandler } from '../src/ports/queue.js';
import { CancelRequests } from './cancel-requests.js';
import { CrashGuard } from './crash-guard.js';
import type { QueueDriver } from './driver.js';
import { JobRun, type JobRunContext } from './job-run.js';
import { JobSettler } from './job-settler.js';
import { Prefetch } from './prefetch.js';
import { perQueue, QUEUE_KINDS, type QueueKind } from './queue-names.js';
import { RunLoop } from './run-loop.js';
import { SlotLimiter } from './slot-limiter.js';
import type { QueueTimings } from './timings.js';
import type { Warn } from './warn.js';

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
      (kind) => new Prefetch(kind, settings.concurrency, () => this.#updateFetchLimit(kind)),
    );
    this.#slots = new SlotLimiter(settings.concurrency, {
      limitOf: (kind) => this.#prefetch[kind].limit,
      changed: (kind) => this.#updateFetchLimit(kind),
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

  #updateFetchLimit(kind: QueueKind): void {
    const { limit } = this.#prefetch[kind];
    const jobs = limit + this.#slots.extraFetches(kind);
    this.#loops.get(kind)?.loop.runs.setLimit(jobs, { prefetches: limit > this.#settings.concurrency });
  }

  async #startLoop(kind: QueueKind): Promise<void> {
    const { concurrency, timings, warn } = this.#settings;
    const driver = this.#driver;
    const store = await driver.openStore(kind, timings);
    const settler = new JobSettler({ store, warn, jobCounts: driver.jobCounts });
    const context: JobRunContext = {
      kind,
      handler: this.#handler,
      slots: this.#slots,
      guard: this.#guard,
      cancelRequests: this.#cancelRequests,
      prefetch: this.#prefetch[kind],
      settler,
      jobCounts: driver.jobCounts,
      warn,
      isClosing: () => this.#closing !== undefined,
    };
    const loop: RunLoop = new RunLoop({
      store,
      settler,
      queue: driver.queues[kind],
      limit: concurrency,
      cores: availableParallelism(),
      waitSeconds: driver.waitSeconds,
      timings,
      warn,
      run: (job, token) => new JobRun(context, job, token).run(),
      onLost: (token) => this.#cancelRequests.lose(token),
    });
    this.#loops.set(kind, { loop, detach: driver.fetchOnAdd(kind, loop.runs) });
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
