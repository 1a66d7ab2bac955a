import { FairQueue } from '../src/fair-queue.js';
import type { Closable } from '../src/ports/closable.js';
import { perQueue } from './fairness.js';
import { QUEUE_KINDS, type QueueKind } from './jobs.js';

/**
 * Sync jobs that arrive while async jobs hold every slot may use one extra slot for each so many.
 */
const SLOTS_PER_EXTRA = 4;
/** Async jobs always keep this many slots, so that they make progress on any machine. */
const MIN_ASYNC_SLOTS = 2;
/** Async jobs yield to sync jobs for this long after the last sync job. */
const YIELD_FOR_MS = 1000;
const PROBE_EVERY_MS = 20;
/**
 * Event loop delay beyond which the async limit shrinks: a sync call pays it at each of its steps.
 */
const MAX_DELAY_MS = 0.75;

/**
 * Limits the jobs that one process runs at once. Sync jobs are admitted first and may use some
 * extra slots when async jobs hold all of them. While sync jobs arrive, the number of async slots
 * shrinks as long as the event loop is late and grows when it is not: async jobs that wait for a
 * server cost nothing and keep their slots, short ones yield.
 */
export class SlotLimiter implements Closable {
  readonly #total: number;
  readonly #extra: number;
  readonly #inUse = { sync: 0, async: 0 };
  readonly #waiting: Readonly<Record<QueueKind, FairQueue<() => void>>> = perQueue(() => new FairQueue());
  readonly #waitingAlone: { kind: QueueKind; admit: () => void }[] = [];
  /** A job runs that must have the process to itself. */
  #isAlone = false;
  #asyncLimit: number;
  #lastSyncAt = 0;
  #probe: NodeJS.Timeout | undefined;

  constructor(total: number) {
    this.#total = total;
    this.#extra = Math.ceil(total / SLOTS_PER_EXTRA);
    this.#asyncLimit = total;
  }

  /**
   * Acquires a slot, to be released with `release`: null when one is free at once, else a promise
   * of it. Namespaces that wait are admitted in turn.
   */
  acquire(kind: QueueKind, namespace: string): Promise<void> | null {
    if (kind === 'sync') this.#onSyncJob();
    const isOpen = !this.#isAlone && this.#waitingAlone.length === 0;
    if (isOpen && this.#waiting[kind].length === 0 && this.#hasSlotFor(kind)) {
      this.#inUse[kind]++;
      return null;
    }
    return new Promise((resolve) => {
      this.#waiting[kind].push(namespace, resolve);
    });
  }

  /**
   * Acquires all slots, for a job that must have the process to itself; to be released with
   * `releaseAlone`. No other job is admitted until those that hold slots have released them.
   * Between two such jobs the others that wait are admitted.
   */
  acquireAlone(kind: QueueKind): Promise<void> {
    if (kind === 'sync') this.#onSyncJob();
    return new Promise((admit) => {
      this.#waitingAlone.push({ kind, admit });
      this.#grantAlone();
    });
  }

  releaseAlone(kind: QueueKind): void {
    this.#isAlone = false;
    this.#inUse[kind]--;
    this.#grantOthers();
    this.#grantAlone();
  }

  /**
   * True while sync jobs have arrived in the last second. An async job then keeps its slot until it
   * has been settled: released earlier, the settlements of ended jobs would crowd out sync jobs.
   */
  get asyncYields(): boolean {
    return this.#probe !== undefined;
  }

  release(kind: QueueKind): void {
    this.#inUse[kind]--;
    this.#grant();
  }

  async close(): Promise<void> {
    clearInterval(this.#probe);
  }

  #grant(): void {
    if (this.#waitingAlone.length > 0) this.#grantAlone();
    else if (!this.#isAlone) this.#grantOthers();
  }

  #grantAlone(): void {
    const { sync, async } = this.#inUse;
    if (this.#isAlone || sync + async > 0) return;
    const next = this.#waitingAlone.shift();
    if (next === undefined) return;
    this.#isAlone = true;
    this.#inUse[next.kind]++;
    next.admit();
  }

  #grantOthers(): void {
    for (const kind of QUEUE_KINDS) {
      while (this.#waiting[kind].length > 0 && this.#hasSlotFor(kind)) {
        this.#inUse[kind]++;
        this.#waiting[kind].take(() => true)?.();
      }
    }
  }

  #hasSlotFor(kind: QueueKind): boolean {
    const { sync, async } = this.#inUse;
    if (kind === 'sync') return sync < this.#total && sync + async < this.#total + this.#extra;
    return async < this.#asyncLimit && sync + async < this.#total;
  }

  #onSyncJob(): void {
    this.#lastSyncAt = performance.now();
    if (this.#probe !== undefined) return;
    let expected = this.#lastSyncAt + PROBE_EVERY_MS;
    this.#probe = setInterval(() => {
      const now = performance.now();
      this.#adjust(now, now - expected);
      expected = now + PROBE_EVERY_MS;
    }, PROBE_EVERY_MS);
    this.#probe.unref();
  }

  #adjust(now: number, delayMs: number): void {
    if (now - this.#lastSyncAt > YIELD_FOR_MS) {
      clearInterval(this.#probe);
      this.#probe = undefined;
      this.#asyncLimit = this.#total;
    } else if (delayMs > MAX_DELAY_MS) {
      this.#asyncLimit = Math.max(Math.min(MIN_ASYNC_SLOTS, this.#total), Math.floor(this.#asyncLimit * 0.7));
    } else this.#asyncLimit = Math.min(this.#total, this.#asyncLimit + 1);
    this.#grant();
  }
}
