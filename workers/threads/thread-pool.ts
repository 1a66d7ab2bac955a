import type { Closable } from '../../src/ports/closable.js';
import { GuestThread, type ThreadEvents } from './guest-thread.js';

/** Threads beyond the current need end when they have been idle for this long, in milliseconds. */
const IDLE_MS = 30_000;
/**
 * Starting a thread takes a few milliseconds of the main thread and ten times that of a core, so
 * only this many start at once.
 */
const STARTING_AT_ONCE = 2;
/**
 * For this long, in milliseconds, after a guest waited or a module that can wait was loaded, there
 * is a thread for each guest that may park, so that a burst of them finds threads. Otherwise there
 * is none, because each takes 10 MB.
 */
const READY_FOR_MS = 300_000;
/** The minimum number of threads while idle: one and a spare. Each takes 10 MB. */
const MIN_THREADS = 2;
/** After this many failed starts in a row, further starts are expected to fail as well. */
const MAX_FAILED_STARTS = 3;

/**
 * The threads of a pool: as many as needed and a few more, started ahead of need and ended when
 * idle.
 */
export class ThreadPool implements Closable {
  readonly #sizes: { threads: number; parked: number };
  readonly #events: ThreadEvents;
  readonly #all = new Set<GuestThread>();
  readonly #starting = new Set<GuestThread>();
  /** The most recently used thread is last and taken first, because its caches are warm. */
  readonly #idle: GuestThread[] = [];
  readonly #retirement: NodeJS.Timeout;
  #busy = 0;
  #failedStarts = 0;
  #waitingExpectedUntil = 0;
  #closed = false;

  constructor(sizes: { threads: number; parked: number }, events: ThreadEvents) {
    this.#sizes = sizes;
    this.#events = events;
    this.#retirement = setInterval(() => this.#retire(), IDLE_MS / 2);
    this.#retirement.unref();
    this.ensure(0);
  }

  get size(): number {
    return this.#all.size;
  }

  [Symbol.iterator](): IterableIterator<GuestThread> {
    return this.#all.values();
  }

  get hasIdle(): boolean {
    return this.#idle.length > 0;
  }

  /** Whether threads cannot be started. */
  get failed(): boolean {
    return this.#failedStarts >= MAX_FAILED_STARTS;
  }

  /** Called when guests wait: threads for them are started before they are needed. */
  expectWaiting(): void {
    this.#waitingExpectedUntil = Date.now() + READY_FOR_MS;
    this.ensure(this.#busy);
  }

  /** Starts missing threads, given the number of guests that occupy a thread. */
  ensure(busy: number): void {
    this.#busy = busy;
    if (this.#closed || this.failed) return;
    const wanted = this.#wanted();
    while (this.#all.size < wanted && this.#starting.size < STARTING_AT_ONCE) this.#start();
  }

  /**
   * Takes an idle thread: preferably one with a warm instance of the program, else one that has
   * loaded the program, else any.
   */
  acquire(key: string): GuestThread {
    const keeps = (thread: GuestThread) => (thread.programs.get(key)?.keptBytes ?? 0) > 0;
    const has = (thread: GuestThread) => thread.programs.has(key);
    const thread = this.#idle.findLast(keeps) ?? this.#idle.findLast(has) ?? this.#idle.at(-1);
    if (thread === undefined) throw new Error('no thread is idle');
    this.#removeIdle(thread);
    return thread;
  }

  /** The thread that would be taken next. */
  get nextIdle(): GuestThread | undefined {
    return this.#idle.at(-1);
  }

  release(thread: GuestThread): void {
    if (!this.#all.has(thread)) return;
    thread.idleSince = Date.now();
    this.#idle.push(thread);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#retirement);
    await Promise.all([...this.#all].map((thread) => thread.kill()));
  }

  /**
   * Returns the target number of threads: one per running guest, a spare, and those for guests that
   * park.
   */
  #wanted(): number {
    const { threads, parked } = this.#sizes;
    if (threads === 0) return 0;
    const most = threads + 1 + parked;
    if (Date.now() < this.#waitingExpectedUntil) return most;
    return Math.min(most, Math.max(MIN_THREADS, this.#busy + 1));
  }

  #start(): void {
    const thread = new GuestThread({
      ready: (ready) => {
        this.#failedStarts = 0;
        this.#starting.delete(ready);
        this.release(ready);
        this.#events.ready(ready);
      },
      message: this.#events.message,
      exit: (thread, error) => {
        if (this.#starting.delete(thread) && error !== null) this.#failedStarts++;
        this.#all.delete(thread);
        this.#removeIdle(thread);
        this.#events.exit(thread, error);
      },
    });
    this.#all.add(thread);
    this.#starting.add(thread);
  }

  #removeIdle(thread: GuestThread): void {
    const at = this.#idle.indexOf(thread);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  #retire(): void {
    const before = Date.now() - IDLE_MS;
    let surplus = this.#all.size - this.#wanted();
    for (const thread of [...this.#idle]) {
      if (surplus <= 0) return;
      if (thread.idleSince > before) continue;
      surplus--;
      this.#removeIdle(thread);
      void thread.kill();
    }
  }
}
