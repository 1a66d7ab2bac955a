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
/**
 * After this many failed starts in a row, further starts are expected to fail as well: threads are
 * then started one at a time, with a delay that doubles from the first to the longest, in
 * milliseconds.
 */
const MAX_FAILED_STARTS = 3;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;

export interface PoolEvents extends ThreadEvents {
  /** Called when starts fail repeatedly, and the next one is attempted after a delay. */
  startsFailing(error: Error): void;
}

export interface PoolOptions {
  threads: number;
  parked: number;
  /** The script of the threads; by default the one of the engine. */
  script?: URL | undefined;
}

/**
 * The threads of a pool: as many as needed and a few more, started ahead of need and ended when
 * idle.
 */
export class ThreadPool implements Closable {
  readonly #options: PoolOptions;
  readonly #events: PoolEvents;
  readonly #all = new Set<GuestThread>();
  readonly #starting = new Set<GuestThread>();
  /** The most recently used thread is last and taken first, because its caches are warm. */
  readonly #idle: GuestThread[] = [];
  readonly #retirement: NodeJS.Timeout;
  #busy = 0;
  /** The number of failed starts since the last successful one, and the cause of the last. */
  #failedStarts = 0;
  #lastFailure: Error | null = null;
  #retry: NodeJS.Timeout | null = null;
  #waitingExpectedUntil = 0;
  #closed = false;

  /** Starts no thread until `ensure` is called. */
  constructor(options: PoolOptions, events: PoolEvents) {
    this.#options = options;
    this.#events = events;
    this.#retirement = setInterval(() => this.#retire(), IDLE_MS / 2);
    this.#retirement.unref();
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

  /** Why no guest can run: no thread is running, and starts fail repeatedly. Null if one can. */
  get failure(): Error | null {
    return this.#startsFail && this.#all.size === this.#starting.size ? this.#lastFailure : null;
  }

  get #startsFail(): boolean {
    return this.#failedStarts >= MAX_FAILED_STARTS;
  }

  /** Called when guests wait: threads for them are started before they are needed. */
  expectWaiting(): void {
    this.#waitingExpectedUntil = performance.now() + READY_FOR_MS;
    this.ensure(this.#busy);
  }

  /** Starts missing threads, given the number of guests that occupy a thread. */
  ensure(busy: number): void {
    this.#busy = busy;
    const wanted = this.#wanted();
    while (this.#all.size < wanted && this.#mayStart) this.#start();
  }

  get #mayStart(): boolean {
    if (this.#closed || this.#retry !== null) return false;
    return this.#starting.size < (this.#startsFail ? 1 : STARTING_AT_ONCE);
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
    thread.idleSince = performance.now();
    this.#idle.push(thread);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#retirement);
    this.#stopRetry();
    await Promise.all([...this.#all].map((thread) => thread.kill()));
  }

  /**
   * Returns the target number of threads: one per running guest, a spare, and those for guests that
   * park.
   */
  #wanted(): number {
    const { threads, parked } = this.#options;
    if (threads === 0) return 0;
    const most = threads + 1 + parked;
    if (performance.now() < this.#waitingExpectedUntil) return most;
    return Math.min(most, Math.max(MIN_THREADS, this.#busy + 1));
  }

  #start(): void {
    let thread: GuestThread;
    try {
      thread = new GuestThread(
        {
          ready: (ready) => this.#onReady(ready),
          message: this.#events.message,
          exit: (exited, error) => this.#onExit(exited, error),
        },
        this.#options.script,
      );
    } catch (error) {
      this.#onStartFailed(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.#all.add(thread);
    this.#starting.add(thread);
  }

  #onReady(thread: GuestThread): void {
    this.#failedStarts = 0;
    this.#stopRetry();
    this.#starting.delete(thread);
    this.release(thread);
    this.#events.ready(thread);
  }

  #onExit(thread: GuestThread, error: Error | null): void {
    const wasStarting = this.#starting.delete(thread);
    this.#all.delete(thread);
    this.#removeIdle(thread);
    if (wasStarting) this.#onStartFailed(error ?? new Error('it exited before it was ready'));
    this.#events.exit(thread, error);
  }

  #onStartFailed(error: Error): void {
    if (this.#closed) return;
    this.#lastFailure = error;
    this.#failedStarts++;
    if (!this.#startsFail || this.#retry !== null) return;
    const delay = FIRST_RETRY_MS * 2 ** (this.#failedStarts - MAX_FAILED_STARTS);
    this.#retry = setTimeout(
      () => {
        this.#retry = null;
        this.ensure(this.#busy);
      },
      Math.min(delay, LONGEST_RETRY_MS),
    );
    this.#retry.unref();
    this.#events.startsFailing(error);
  }

  #stopRetry(): void {
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
  }

  #removeIdle(thread: GuestThread): void {
    const at = this.#idle.indexOf(thread);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  #retire(): void {
    const before = performance.now() - IDLE_MS;
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
