import type { Closable } from '../../src/ports/closable.js';
import { GuestThread, type ThreadEvents } from './guest-thread.js';

/** Threads started for a burst end when they have been idle for this long. */
const IDLE_MS = 30_000;
/**
 * Starting a thread takes the main thread a few milliseconds and a core ten times that: few at a
 * time.
 */
const STARTING_AT_ONCE = 2;
/**
 * After a guest that waits was seen, or a module that could, there is a thread for each that may
 * park, so that a burst of them finds theirs. Before, there is none: each takes 10 MB.
 */
const READY_FOR_MS = 300_000;
/** One and a spare, with nothing to do: each takes 10 MB. */
const MIN_THREADS = 2;
/** So many starts in a row that failed mean that the next will fail too. */
const MAX_FAILED_STARTS = 3;

/**
 * The threads of a pool: as many as are needed and a little more, started before they are, ended
 * when they are not.
 */
export class ThreadPool implements Closable {
  readonly #sizes: { threads: number; parked: number };
  readonly #events: ThreadEvents;
  readonly #all = new Set<GuestThread>();
  readonly #starting = new Set<GuestThread>();
  /** The last used is the last: it is taken first, its caches being warm. */
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

  /** No thread can be started. */
  get failed(): boolean {
    return this.#failedStarts >= MAX_FAILED_STARTS;
  }

  /** Guests that wait are about: threads for them are started before they are needed. */
  expectWaiting(): void {
    this.#waitingExpectedUntil = Date.now() + READY_FOR_MS;
    this.ensure(this.#busy);
  }

  /** Starts what is missing, for so many guests that have a thread of their own. */
  ensure(busy: number): void {
    this.#busy = busy;
    if (this.#closed || this.failed) return;
    const wanted = this.#wanted();
    while (this.#all.size < wanted && this.#starting.size < STARTING_AT_ONCE) this.#start();
  }

  /**
   * Takes an idle thread: one that has kept an instance of the program, else one that has its code,
   * else any.
   */
  acquire(key: string): GuestThread {
    const keeps = (thread: GuestThread) => (thread.programs.get(key)?.keptBytes ?? 0) > 0;
    const has = (thread: GuestThread) => thread.programs.has(key);
    const thread = this.#idle.findLast(keeps) ?? this.#idle.findLast(has) ?? this.#idle.at(-1);
    if (thread === undefined) throw new Error('no thread is idle');
    this.#removeIdle(thread);
    return thread;
  }

  /** The one that would be taken next. */
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

  /** A thread for each guest that runs, a spare, and those for guests that park. */
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
      exit: (gone, error) => {
        if (this.#starting.delete(gone) && error !== null) this.#failedStarts++;
        this.#all.delete(gone);
        this.#removeIdle(gone);
        this.#events.exit(gone, error);
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
