import { FairQueue } from '../src/concurrency/fair-queue.js';
import type { Closable } from '../src/ports/closable.js';
import { perQueue, QUEUE_KINDS, type QueueKind } from './queue-names.js';
import { ReservedSlots } from './reserved-slots.js';

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
/** If no slot was released between two checks, long jobs hold all of them. In milliseconds. */
const CHECK_INTERVAL_MS = 50;
/**
 * The number of jobs to fetch beyond all slots while long jobs hold them, so that a job of another
 * namespace is found.
 */
const PROBES = 2;

/** `none`: the job must be put back into the queue, so that other jobs can be examined. */
export type SlotGrant = 'slot' | 'reserved' | 'none';

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
  admit(grant: SlotGrant): void;
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
  readonly #held = perQueue(() => new Map<string, number>());
  readonly #reserved: Readonly<Record<QueueKind, ReservedSlots>>;
  readonly #fetches: FetchLimits | undefined;
  /** The number of jobs that have released their slot, and its value at the last check. */
  readonly #released = perQueue(() => 0);
  readonly #releasedBefore = perQueue(() => -1);
  /** The kinds whose slots are all held by long jobs. */
  readonly #stuck = new Set<QueueKind>();
  #checkTimer: NodeJS.Timeout | undefined;
  readonly #isQuerying = perQueue(() => false);
  readonly #waitingAlone: { kind: QueueKind; admit: (grant: 'slot' | 'none') => void }[] = [];
  /** Whether a job that must run alone is running. */
  #isAlone = false;
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
  }

  /**
   * Acquires a slot. Returns null when a slot is free at once, otherwise a promise of the grant;
   * the caller must `release` it. Waiting namespaces are admitted in turn. While long jobs hold all
   * slots, a namespace that holds none gets a reserved slot.
   */
  acquire(kind: QueueKind, namespace: string): Promise<SlotGrant> | null {
    if (kind === 'sync') this.#asyncSinceSync = 0;
    if (this.#isOpen && this.#waiting[kind].length === 0 && this.#hasSlotFor(kind)) {
      this.#take(kind, namespace);
      if (!this.#hasSlotFor(kind)) this.#watch();
      return null;
    }
    if (this.#stuck.has(kind) && this.#isOpen && this.#mayReserve(kind, namespace)) {
      this.#reserve(kind, namespace);
      return Promise.resolve('reserved');
    }
    if (this.#isStopped) return Promise.resolve('none');
    this.#watch();
    return new Promise((admit) => {
      this.#waiting[kind].push(namespace, { namespace, admit });
    });
  }

  /**
   * Acquires the whole process for a job that must run alone; the caller must call `releaseAlone`.
   * Resolves with `slot` when all other jobs have released their slots; meanwhile no other job is
   * admitted. Between two such jobs, the other waiting jobs are admitted. Resolves with `none` when
   * the limiter stops first.
   */
  acquireAlone(kind: QueueKind): Promise<'slot' | 'none'> {
    if (kind === 'sync') this.#asyncSinceSync = 0;
    if (this.#isStopped) return Promise.resolve('none');
    return new Promise((admit) => {
      this.#waitingAlone.push({ kind, admit });
      this.#grantAlone();
    });
  }

  releaseAlone(kind: QueueKind, grant: SlotGrant): void {
    if (grant === 'none') return;
    this.#isAlone = false;
    this.#inUse[kind]--;
    this.#grantOthers();
    this.#grantAlone();
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
    return this.#reserved[kind].inUse + (this.#stuck.has(kind) ? PROBES : 0);
  }

  release(kind: QueueKind, namespace: string, grant: SlotGrant = 'slot'): void {
    if (grant === 'none') return;
    const held = (this.#held[kind].get(namespace) ?? 1) - 1;
    if (held === 0) this.#held[kind].delete(namespace);
    else this.#held[kind].set(namespace, held);
    this.#released[kind]++;
    if (grant === 'slot') this.#inUse[kind]--;
    else {
      this.#reserved[kind].release();
      this.#fetches?.changed(kind);
    }
    this.#grant();
  }

  /** Refuses jobs that wait for a slot and those that would have to: they return to the queue. */
  stop(): void {
    this.#isStopped = true;
    for (const { admit } of this.#waitingAlone.splice(0)) admit('none');
    for (const kind of QUEUE_KINDS) for (const { admit } of this.#waiting[kind].drain()) admit('none');
  }

  async close(): Promise<void> {
    clearInterval(this.#checkTimer);
  }

  get #isOpen(): boolean {
    return !this.#isAlone && this.#waitingAlone.length === 0;
  }

  #take(kind: QueueKind, namespace: string): void {
    this.#inUse[kind]++;
    if (kind === 'async') this.#asyncSinceSync++;
    this.#held[kind].set(namespace, (this.#held[kind].get(namespace) ?? 0) + 1);
  }

  #mayReserve(kind: QueueKind, namespace: string): boolean {
    return this.#reserved[kind].allows(this.#held[kind].get(namespace) ?? 0);
  }

  #reserve(kind: QueueKind, namespace: string): void {
    this.#reserved[kind].take();
    this.#held[kind].set(namespace, (this.#held[kind].get(namespace) ?? 0) + 1);
    this.#fetches?.changed(kind);
  }

  /** Starts periodic checks, which run while all slots are held. */
  #watch(): void {
    if (this.#checkTimer !== undefined) return;
    this.#checkTimer = setInterval(() => this.#check(), CHECK_INTERVAL_MS);
    this.#checkTimer.unref();
  }

  #check(): void {
    let isFull = false;
    for (const kind of QUEUE_KINDS) {
      const isHeld = !this.#hasSlotFor(kind);
      isFull ||= isHeld;
      const isStuck = isHeld && this.#released[kind] === this.#releasedBefore[kind];
      this.#releasedBefore[kind] = this.#released[kind];
      if (isStuck !== this.#stuck.has(kind)) {
        if (isStuck) this.#stuck.add(kind);
        else this.#stuck.delete(kind);
        this.#fetches?.changed(kind);
      }
      if (isStuck && this.#isOpen) this.#grantReserved(kind);
    }
    if (isFull) return;
    clearInterval(this.#checkTimer);
    this.#checkTimer = undefined;
  }

  /**
   * Gives reserved slots to waiting jobs whose namespaces may have one. If the fetch limit is used
   * up, one waiting job returns to the queue in favour of jobs that have not been fetched yet.
   */
  #grantReserved(kind: QueueKind): void {
    const waiting = this.#waiting[kind];
    const mayHave = ({ namespace }: WaitingJob) => this.#mayReserve(kind, namespace);
    for (let next = waiting.take(mayHave); next !== null; next = waiting.take(mayHave)) {
      this.#reserve(kind, next.namespace);
      next.admit('reserved');
    }
    const limit = this.#fetches?.limitOf(kind) ?? Number.POSITIVE_INFINITY;
    const isFetchedOut = this.#inUse[kind] + waiting.length >= limit + PROBES;
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
    if (isUnseen && this.#stuck.has(kind)) this.#waiting[kind].shift()?.admit('none');
  }

  async #hasUnseen(kind: QueueKind): Promise<boolean> {
    const seen = new Set([...this.#held[kind].keys(), ...this.#waiting[kind].owners()]);
    // While the store is unreachable, nothing could be fetched.
    return (await this.#fetches?.hasUnseen(kind, seen).catch(() => false)) ?? false;
  }

  #grant(): void {
    if (this.#waitingAlone.length > 0) this.#grantAlone();
    else if (!this.#isAlone) this.#grantOthers();
  }

  #grantAlone(): void {
    const { sync, async } = this.#inUse;
    const reserved = this.#reserved.sync.inUse + this.#reserved.async.inUse;
    if (this.#isAlone || sync + async + reserved > 0) return;
    const next = this.#waitingAlone.shift();
    if (next === undefined) return;
    this.#isAlone = true;
    this.#inUse[next.kind]++;
    next.admit('slot');
  }

  #grantOthers(): void {
    for (const kind of QUEUE_KINDS) {
      while (this.#waiting[kind].length > 0 && this.#hasSlotFor(kind)) {
        const next = this.#waiting[kind].shift();
        if (next === null) return;
        this.#take(kind, next.namespace);
        next.admit('slot');
      }
    }
  }

  #hasSlotFor(kind: QueueKind): boolean {
    const { sync, async } = this.#inUse;
    if (kind === 'sync') return sync < this.#total && sync + async < this.#total + this.#extra;
    const limit = this.asyncYields ? this.#yieldingLimit : this.#total;
    return async < limit && sync + async < this.#total;
  }
}
