import { hostFunction } from '../../src/contract/host-functions.js';
import type { Closable } from '../../src/ports/closable.js';
import type { EngineStats, GuestCall, GuestOutcome } from '../../src/ports/engine.js';
import { engineClosing } from '../threads/engine-closing.js';
import type { GuestThread } from '../threads/guest-thread.js';
import type { FromThread } from '../threads/protocol.js';
import { ThreadPool } from '../threads/thread-pool.js';
import type { Program } from '../wasm/run/program.js';
import { finish, rejectAll } from './answer-run.js';
import { OVERCOMMITTED } from './cpu-slots.js';
import { dispatchHostCall } from './host-dispatch.js';
import type { MemoryPartName } from './memory-budget.js';
import { neverStarted, tooLarge } from './outcome.js';
import { Parking } from './parking.js';
import { Reservations } from './reservations.js';
import { abortSignalOf, newRun, type Run, sleep } from './run.js';
import { RunQueue } from './run-queue.js';
import { RunStats } from './run-stats.js';
import { Stopping } from './stopping.js';
import { ThreadRuns } from './thread-runs.js';
import { ThreadsUnavailable } from './threads-unavailable.js';

export interface SchedulerOptions {
  /** The number of guests that compute at once. */
  threads: number;
  /** The number of further guests that may wait in a host call or a sleep at once. */
  parked: number;
  /**
   * The limit of the sum of running guests' memory limits, parked guests' sizes and warm instances,
   * in megabytes.
   */
  memoryMb: number;
  /**
   * Returns whether a program is expected to run again. Threads unload it otherwise, when it has
   * run. By default every program is.
   */
  isCached?(key: string): boolean;
  /** The script of the guest threads; by default the one of the engine. */
  threadScript?: URL;
  /** Called repeatedly while threads cannot be started. */
  warn?(message: string, error: Error): void;
}

/**
 * Runs prepared programs on threads in fair order: as many at once as there are CPU slots, plus
 * parked guests that wait.
 */
export class Scheduler implements Closable {
  readonly #options: SchedulerOptions;
  readonly #runQueue = new RunQueue();
  readonly #threads: ThreadPool;
  readonly #stats = new RunStats();
  readonly #reservations: Reservations;
  readonly #runs: ThreadRuns;
  readonly #parking: Parking;
  readonly #stopping: Stopping;
  #closed = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#reservations = new Reservations(options, this.#stats, options.isCached ?? (() => true));
    // A web process has no threads.
    const threads = options.threads === 0 ? 0 : options.threads + OVERCOMMITTED;
    this.#threads = new ThreadPool(
      { threads, parked: options.parked, script: options.threadScript },
      {
        ready: () => this.#dispatch(),
        message: (thread, message) => this.#onMessage(thread, message),
        exit: (thread, error) => this.#stopping.onExit(thread, error),
        startsFailing: (error) => {
          options.warn?.('Threads to run functions cannot be started; retrying.', error);
          this.#rejectUnrunnable();
        },
      },
    );
    const state = {
      runQueue: this.#runQueue,
      threads: this.#threads,
      reservations: this.#reservations,
      stats: this.#stats,
    };
    const dispatch = () => this.#dispatch();
    this.#runs = new ThreadRuns(state);
    this.#parking = new Parking(state, this.#runs, dispatch);
    this.#stopping = new Stopping(state, this.#runs, dispatch);
    this.#threads.ensure(0);
  }

  run(call: GuestCall, key: string, program: Program): Promise<GuestOutcome> {
    if (this.#closed) return Promise.reject(engineClosing('starts no further runs'));
    const { memoryMb } = this.#options;
    const { limitMb } = program;
    if (limitMb > memoryMb) return Promise.reject(tooLarge(call.functionName, limitMb, memoryMb));
    // The largest limit of a function is the smallest WORKER_MEMORY_MB.
    const heapMb = Math.min(program.heapMb, memoryMb - limitMb);
    if (program.waits) this.expectWaiting();
    return new Promise((resolve, reject) => {
      const run = newRun(call, key, program, { heapMb, resolve, reject });
      this.#stopping.watchSignal(run);
      this.#runQueue.push(run);
      this.#dispatch();
    });
  }

  /** Called when guests park, so that threads are started before they are needed. */
  expectWaiting(): void {
    this.#threads.expectWaiting();
  }

  /** Called when the first module begins to be compiled, and when the last one is. */
  setCompiling(isCompiling: boolean): void {
    this.#reservations.cpuSlots.isCompiling = isCompiling;
    if (!isCompiling) this.#dispatch();
  }

  /** Has an idle thread create a warm instance of a program that will run soon. */
  instantiate(key: string, program: Program): void {
    const thread = this.#threads.nextIdle;
    const keepsOne = [...this.#threads].some(({ programs }) => programs.has(key));
    if (thread === undefined || keepsOne || this.#closed) return;
    thread.instantiate(key, program);
  }

  /**
   * Has threads drop the instances and the module of a program that is not expected to run soon.
   */
  unload(key: string): void {
    for (const { programs } of this.#threads) {
      const loaded = programs.get(key);
      if (loaded !== undefined) this.#reservations.unload(loaded);
    }
  }

  /** Throws the error with which runs are rejected while no thread can be started. */
  assertThreads(): void {
    const { failure } = this.#threads;
    if (failure !== null) throw new ThreadsUnavailable(failure);
  }

  stats(): EngineStats {
    const { queues, cpuSlots, memory, warm } = this.#reservations;
    return {
      threads: this.#threads.size,
      busy: cpuSlots.computing,
      parked: cpuSlots.parked,
      waiting: this.#runQueue.length + queues.queuedCount,
      warmInstances: warm.size,
      memoryMb: memory.mb + warm.mb,
      warmRuns: this.#runs.warm,
      freshRuns: this.#runs.fresh,
      kills: this.#stopping.kills,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#parking.close();
    for (const run of this.#runQueue.drain())
      finish(run, () => run.reject(engineClosing('starts no further runs')));
    this.#stopping.close();
    await this.#threads.close();
  }

  #dispatch(): void {
    if (this.#closed) return;
    const { queues, cpuSlots, memory } = this.#reservations;
    while (this.#runQueue.length > 0) {
      const busy = queues.threadWithShortRuns(this.#stats);
      if (busy === null && !this.#threads.hasIdle) break;
      const taken = this.#runQueue.take(memory, busy === null ? cpuSlots : null);
      if (taken === null) break;
      const { run, part } = taken;
      if (run.call.signal?.aborted === true) finish(run, () => run.resolve(neverStarted()));
      else this.#start(run, busy ?? this.#threads.acquire(run.key), part);
    }
    this.#parking.armRecheck();
    this.#threads.ensure(queues.size);
    this.#rejectUnrunnable();
  }

  /**
   * A run must not wait for a thread that may never start: another worker may be able to run it.
   */
  #rejectUnrunnable(): void {
    const { failure } = this.#threads;
    if (failure !== null) rejectAll(this.#runQueue.drain(), failure);
  }

  #start(run: Run, thread: GuestThread, part: MemoryPartName): void {
    this.#reservations.reserve(run, thread, part);
    run.slot = thread.run(run.key, run.program, run.call);
    this.#stopping.watchDeadline(run);
  }

  #onMessage(thread: GuestThread, message: Exclude<FromThread, { type: 'ready' }>): void {
    // Runs that ended on the thread before the one that sent the message.
    this.#runs.collectEnded(thread);
    const run = this.#reservations.queues.current(thread);
    switch (message.type) {
      case 'call':
        if (run === undefined || run.stopReason !== null) return;
        this.#parking.block(run, message.name, { isLong: hostFunction(message.name).isSlow === true });
        void dispatchHostCall(run.call.host, message.name, message.args, abortSignalOf(run)).then((reply) => {
          this.#reservations.resume(run, () => thread.reply(reply));
        });
        return;
      case 'sleep':
        if (run === undefined || run.stopReason !== null) return;
        this.#parking.block(run, 'a sleep', { isLong: true });
        sleep(run, message.milliseconds, () => {
          this.#reservations.resume(run, () => thread.reply({ ok: true, value: 0n, data: null }));
        });
        return;
      case 'ended':
        this.#dispatch();
        return;
      case 'instantiated': {
        const loaded = thread.programWithId(message.programId);
        if (loaded !== undefined) this.#reservations.keepWarm(loaded, message.keptBytes);
        this.#reservations.evictWarm();
        return;
      }
    }
  }
}
