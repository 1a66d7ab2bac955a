import { CountByKey } from '../src/concurrency/count-by-key.js';
import { FairQueue } from '../src/concurrency/fair-queue.js';
import type { CancelSignal } from '../src/ports/cancel-signal.js';
import type { Closable } from '../src/ports/closable.js';
import { AloneGate } from './alone-gate.js';
import { perQueue, QUEUE_KINDS, type QueueKind } from './queue-names.js';
import { ReservedSlots } from './reserved-slots.js';
import { StuckWatch } from './stuck-watch.js';

/**
 * Sync jobs that arrive while async jobs hold all slots may use one extra slot per this many slots.
 */
const SLOTS_PER_EXTRA = 4;
/**
 * While sync jobs arrive, async jobs hold at most this share of the slots, and each keeps its slot
 * until it has left the queue. At each step a sync call waits for the work that async jobs have
 * caused in this process and in the store before it; that work grows with their number, on fast and
 * slow machines alike. Async throughput stays at least this share of its rate without sync calls.
 */
const YIELDING_FRACTION = 0.75;
/**
 * Sync jobs count as arriving until this many async jobs per slot have been admitted after the last
 * sync job. Counted in jobs because a duration would depend on the speed of the machine.
 */
const YIELD_FOR_JOBS_PER_SLOT = 32;
/**
 * The number of jobs to fetch beyond all slots while long jobs hold them, so that a job of another
 * namespace is found.
 */
const LOOKAHEAD = 2;

/** A slot that a job holds until it releases it, once. */
export interface SlotGrant {
  release(): void;
}

/** The fetch limits that the limiter extends. */
export interface FetchLimits {
  limitOf(kind: QueueKind): number;
  /** Called when `extraFetches` of the kind has changed. */
  changed(kind: QueueKind): void;
  /** Resolves with whether another namespace than those seen has a ready job of the kind. */
  hasUnseen(kind: QueueKind, seen: ReadonlySet<string>): Promise<boolean>;
}

interface WaitingJob {
  namespace: string;
  admit(grant: SlotGrant | null): void;
}

/**
 * Limits how many jobs one process runs at once. Sync jobs are admitted first, and may use some
 * extra slots when async jobs hold all of them. While sync jobs arrive, async jobs leave some slots
 * free.
 */
export class SlotLimiter implements Closable {
  readonly #total: number;
  readonly #extra: number;
  readonly #inUse = { sync: 0, async: 0 };
  readonly #waiting: Readonly<Record<QueueKind, FairQueue<WaitingJob>>> = perQueue(() => new FairQueue());
  /** By namespace, including reserved slots. */
  readonly #held = perQueue(() => new CountByKey());
  readonly #reserved: Readonly<Record<QueueKind, ReservedSlots>>;
  readonly #fetches: FetchLimits | undefined;
  readonly #stuckWatch: StuckWatch;
  readonly #isQuerying = perQueue(() => false);
  readonly #alone = new AloneGate();
  #isStopped = false;
  readonly #yieldForJobs: number;
  readonly #yieldingLimit: number;
  /** The number of async jobs admitted since the last sync job arrived. */
  #asyncSinceSync: number;

  constructor(total: number, fetches?: FetchLimits) {
    this.#total = total;
    this.#fetches = fetches;
    this.#reserved = perQueue(() => new ReservedSlots(total));
    this.#extra = Math.ceil(total / SLOTS_PER_EXTRA);
    this.#yieldingLimit = Math.ceil(total * YIELDING_FRACTION);
    this.#yieldForJobs = total * YIELD_FOR_JOBS_PER_SLOT;
    this.#asyncSinceSync = this.#yieldForJobs;
    this.#stuckWatch = new StuckWatch({
      isFull: (kind) => !this.#hasSlotFor(kind),
      changed: (kind) => fetches?.changed(kind),
      onStuck: (kind) => {
        if (this.#alone.isOpen) this.#grantReserved(kind);
      },
    });
  }

  /**
   * Acquires a slot. Returns the grant when a slot is free at once, otherwise a promise of it.
   * Waiting namespaces are admitted in turn. While long jobs hold all slots, a namespace that holds
   * none gets a reserved slot. Resolves with null when its signal is aborted, or when the job must
   * be put back into the queue: so that jobs of other namespaces can be fetched, or because the
   * limiter has been stopped.
   */
  acquire(kind: QueueKind, namespace: string, signal: CancelSignal): SlotGrant | Promise<SlotGrant | null> {
    if (kind === 'sync') this.#asyncSinceSync = 0;
    if (this.#alone.isOpen && this.#waiting[kind].length === 0 && this.#hasSlotFor(kind)) {
      const grant = this.#take(kind, namespace);
      if (!this.#hasSlotFor(kind)) this.#stuckWatch.start();
      return grant;
    }
    if (this.#stuckWatch.isStuck(kind) && this.#alone.isOpen && this.#mayReserve(kind, namespace)) {
      return Promise.resolve(this.#reserve(kind, namespace));
    }
    if (this.#isStopped || signal.aborted) return Promise.resolve(null);
    this.#stuckWatch.start();
    return new Promise((resolve) => {
      const withdraw = () => {
        if (this.#waiting[kind].remove(namespace, job)) resolve(null);
      };
      const job: WaitingJob = {
        namespace,
        admit(grant) {
          signal.removeEventListener('abort', withdraw);
          resolve(grant);
        },
      };
      signal.addEventListener('abort', withdraw);
      this.#waiting[kind].push(namespace, job);
    });
  }

  /**
   * Acquires the whole process for a job that must run alone. Resolves with the grant when all
   * other jobs have released their slots; meanwhile no other job is admitted. Between two such
   * jobs, the other waiting jobs are admitted. Resolves with null when the limiter stops or the
   * signal is aborted first.
   */
  acquireAlone(kind: QueueKind, signal: CancelSignal): Promise<SlotGrant | null> {
    if (kind === 'sync') this.#asyncSinceSync = 0;
    if (this.#isStopped || signal.aborted) return Promise.resolve(null);
    return new Promise((resolve) => {
      const withdraw = () => {
        if (!this.#alone.withdraw(admit)) return;
        resolve(null);
        this.#grant();
      };
      const admit = (isAdmitted: boolean) => {
        signal.removeEventListener('abort', withdraw);
        resolve(isAdmitted ? this.#takeAlone(kind) : null);
      };
      signal.addEventListener('abort', withdraw);
      this.#alone.wait(admit);
      this.#grantAlone();
    });
  }

  /**
   * True while sync jobs arrive. An async job then keeps its slot until it has been settled: with
   * an earlier release, the settlements of ended jobs would delay sync jobs.
   */
  get asyncYields(): boolean {
    return this.#asyncSinceSync < this.#yieldForJobs;
  }

  /** Returns how many jobs of a kind to fetch in addition to the fetch limit. */
  extraFetches(kind: QueueKind): number {
    return this.#reserved[kind].inUse + (this.#stuckWatch.isStuck(kind) ? LOOKAHEAD : 0);
  }

  /** Refuses jobs that wait for a slot and those that would have to: they return to the queue. */
  stop(): void {
    this.#isStopped = true;
    this.#alone.refuseAll();
    for (const kind of QUEUE_KINDS) for (const { admit } of this.#waiting[kind].drain()) admit(null);
  }

  async close(): Promise<void> {
    this.#stuckWatch.stop();
  }

  #take(kind: QueueKind, namespace: string): SlotGrant {
    this.#inUse[kind]++;
    if (kind === 'async') this.#asyncSinceSync++;
    this.#held[kind].increment(namespace);
    return {
      release: () => {
        this.#recordRelease(kind, namespace);
        this.#inUse[kind]--;
        this.#grant();
      },
    };
  }

  #reserve(kind: QueueKind, namespace: string): SlotGrant {
    this.#reserved[kind].take();
    this.#held[kind].increment(namespace);
    this.#fetches?.changed(kind);
    return {
      release: () => {
        this.#recordRelease(kind, namespace);
        this.#reserved[kind].release();
        this.#fetches?.changed(kind);
        this.#grant();
      },
    };
  }

  #takeAlone(kind: QueueKind): SlotGrant {
    this.#inUse[kind]++;
    return {
      release: () => {
        this.#alone.leave();
        this.#inUse[kind]--;
        this.#grantOthers();
        this.#grantAlone();
      },
    };
  }

  #recordRelease(kind: QueueKind, namespace: string): void {
    this.#held[kind].decrement(namespace);
    this.#stuckWatch.recordRelease(kind);
  }

  #mayReserve(kind: QueueKind, namespace: string): boolean {
    return this.#reserved[kind].allows(this.#held[kind].get(namespace));
  }

  /**
   * Gives reserved slots to waiting jobs whose namespaces may have one. If the fetch limit is used
   * up, one waiting job returns to the queue in favour of jobs that have not been fetched yet.
   */
  #grantReserved(kind: QueueKind): void {
    const waiting = this.#waiting[kind];
    const mayHave = ({ namespace }: WaitingJob) => this.#mayReserve(kind, namespace);
    for (let next = waiting.take(mayHave); next !== null; next = waiting.take(mayHave)) {
      next.admit(this.#reserve(kind, next.namespace));
    }
    const limit = this.#fetches?.limitOf(kind) ?? Number.POSITIVE_INFINITY;
    const isFetchedOut = this.#inUse[kind] + waiting.length >= limit + LOOKAHEAD;
    if (isFetchedOut) void this.#returnForUnseen(kind);
  }

  /**
   * Returns one waiting job to the queue if another namespace has a ready job there. Without that
   * check, the job would only lose its place to the jobs behind it.
   */
  async #returnForUnseen(kind: QueueKind): Promise<void> {
    if (this.#isQuerying[kind]) return;
    this.#isQuerying[kind] = true;
    const isUnseen = await this.#hasUnseen(kind).finally(() => {
      this.#isQuerying[kind] = false;
    });
    if (isUnseen && this.#stuckWatch.isStuck(kind)) this.#waiting[kind].shift()?.admit(null);
  }

  async #hasUnseen(kind: QueueKind): Promise<boolean> {
    const seen = new Set([...this.#held[kind].keys(), ...this.#waiting[kind].owners()]);
    // While the store is unreachable, nothing could be fetched.
    return (await this.#fetches?.hasUnseen(kind, seen).catch(() => false)) ?? false;
  }

  #grant(): void {
    if (this.#alone.hasWaiting) this.#grantAlone();
    else if (!this.#alone.isHeld) this.#grantOthers();
  }

  #grantAlone(): void {
    const { sync, async } = this.#inUse;
    const reserved = this.#reserved.sync.inUse + this.#reserved.async.inUse;
    if (sync + async + reserved === 0) this.#alone.admitNext();
  }

  #grantOthers(): void {
    for (const kind of QUEUE_KINDS) {
      while (this.#waiting[kind].length > 0 && this.#hasSlotFor(kind)) {
        const next = this.#waiting[kind].shift();
        if (next === null) return;
        next.admit(this.#take(kind, next.namespace));
      }
    }
    // Those who got a slot may be long jobs, and no other job may come to start the watch.
    if (QUEUE_KINDS.some((kind) => this.#waiting[kind].length > 0)) this.#stuckWatch.start();
  }

  #hasSlotFor(kind: QueueKind): boolean {
    const { sync, async } = this.#inUse;
    if (kind === 'sync') return sync < this.#total && sync + async < this.#total + this.#extra;
    const limit = this.asyncYields ? this.#yieldingLimit : this.#total;
    return async < limit && sync + async < this.#total;
  }
}
