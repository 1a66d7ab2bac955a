import { hostFunction } from '../../src/contract/host-functions.js';
import type { Closable } from '../../src/ports/closable.js';
import type { EngineStats, GuestCall, GuestOutcome } from '../../src/ports/engine.js';
import { engineClosing } from '../threads/engine-closing.js';
import type { GuestThread } from '../threads/guest-thread.js';
import type { FromThread, IdleReport } from '../threads/protocol.js';
import { ThreadPool } from '../threads/thread-pool.js';
import type { Program } from '../wasm/run/program.js';
import { Cancellations } from './cancellations.js';
import { type CpuSlots, LONG_RUN_MS, OVERCOMMITTED } from './cpu-slots.js';
import { Deadlines } from './deadlines.js';
import { finish, finishEnded, finishWithThread, rejectAll } from './finish.js';
import { dispatchHostCall } from './host-dispatch.js';
import type { MemoryPool } from './memory-pool.js';
import { neverStarted, type StopReason, tooLarge } from './outcome.js';
import { Reservations } from './reservations.js';
import { abortOutsideWork, abortSignalOf, newRun, type Run, sleep } from './run.js';
import { RunQueue } from './run-queue.js';
import { RunStats } from './run-stats.js';
import { isOverdue, recheckDelay, type ThreadQueues } from './thread-queues.js';
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
  readonly #queues: ThreadQueues;
  readonly #memory: MemoryPool;
  readonly #cpuSlots: CpuSlots;
  readonly #deadlines: Deadlines<Run>;
  readonly #cancellations = new Cancellations((run) => this.#stop(run, 'cancelled'));
  #recheckTimer: NodeJS.Timeout | null = null;
  #closed = false;
  #counts = { warm: 0, fresh: 0, kills: 0 };

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#reservations = new Reservations(options, this.#stats, options.isCached ?? (() => true));
    this.#queues = this.#reservations.queues;
    this.#memory = this.#reservations.memory;
    this.#cpuSlots = this.#reservations.cpuSlots;
    this.#deadlines = new Deadlines(this.#queues, (run) => this.#stop(run, 'timeout'));
    // A web process has no threads.
    const threads = options.threads === 0 ? 0 : options.threads + OVERCOMMITTED;
    this.#threads = new ThreadPool(
      { threads, parked: options.parked, script: options.threadScript },
      {
        ready: () => this.#dispatch(),
        message: (thread, message) => this.#onMessage(thread, message),
        exit: (thread, error) => this.#onExit(thread, error),
        startsFailing: (error) => {
          options.warn?.('Threads to run functions cannot be started; retrying.', error);
          this.#rejectUnrunnable();
        },
      },
    );
    this.#threads.ensure(0);
  }

  run(call: GuestCall, key: string, program: Program): Promise<GuestOutcome> {
    if (this.#closed) return Promise.reject(engineClosing('starts no further runs'));
    if (program.limitMb > this.#options.memoryMb) {
      return Promise.reject(tooLarge(call.functionName, program.limitMb, this.#options.memoryMb));
    }
    if (program.waits) this.expectWaiting();
    return new Promise((resolve, reject) => {
      const run = newRun(call, key, program, { resolve, reject });
      this.#cancellations.watch(run);
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
    this.#cpuSlots.isCompiling = isCompiling;
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
    return {
      threads: this.#threads.size,
      busy: this.#cpuSlots.computing,
      parked: this.#cpuSlots.parked,
      waiting: this.#runQueue.length + this.#queues.queuedCount,
      warmInstances: this.#reservations.warm.size,
      memoryMb: this.#memory.mb + this.#reservations.warm.mb,
      warmRuns: this.#counts.warm,
      freshRuns: this.#counts.fresh,
      kills: this.#counts.kills,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#recheckTimer !== null) clearTimeout(this.#recheckTimer);
    this.#deadlines.close();
    this.#cancellations.close();
    for (const run of this.#runQueue.drain())
      finish(run, () => run.reject(engineClosing('starts no further runs')));
    for (const [, runs] of this.#queues.all()) for (const run of runs) run.stopReason ??= 'closing';
    await this.#threads.close();
  }

  // --- dispatching runs to threads

  #dispatch(): void {
    if (this.#closed) return;
    while (this.#runQueue.length > 0) {
      const busy = this.#queues.threadWithShortRuns(this.#stats);
      if (busy === null && !this.#threads.hasIdle) break;
      const mayBegin = (run: Run) => busy !== null || this.#cpuSlots.canStart(run);
      const run = this.#runQueue.take(this.#memory, mayBegin);
      if (run === null) break;
      if (run.call.signal?.aborted === true) finish(run, () => run.resolve(neverStarted()));
      else this.#start(run, busy ?? this.#threads.acquire(run.key));
    }
    this.#armRecheck();
    this.#threads.ensure(this.#queues.size);
    this.#rejectUnrunnable();
  }

  /** A run must not wait for a thread that may never start: another worker may be able to run it. */
  #rejectUnrunnable(): void {
    const { failure } = this.#threads;
    if (failure !== null) rejectAll(this.#runQueue.drain(), failure);
  }

  #start(run: Run, thread: GuestThread): void {
    this.#reservations.reserve(run, thread);
    run.slot = thread.run(run.key, run.program, run.call);
    this.#deadlines.watch(run);
  }

  /** Returns the runs that a thread has not begun to the run queue. */
  #requeueUnstarted(thread: GuestThread): void {
    for (const run of this.#reservations.withdrawQueued(thread)) this.#runQueue.requeue(run);
  }

  // --- messages of guest threads

  #onMessage(thread: GuestThread, message: Exclude<FromThread, { type: 'ready' }>): void {
    // Runs that ended on the thread before the one that sent the message.
    this.#collectEnded(thread);
    const run = this.#queues.current(thread);
    switch (message.type) {
      case 'call':
        if (run === undefined || run.stopReason !== null) return;
        this.#block(run, message.name, hostFunction(message.name).isSlow === true);
        void dispatchHostCall(run.call.host, message.name, message.args, abortSignalOf(run)).then((reply) => {
          this.#reservations.resume(run, () => thread.reply(reply));
        });
        return;
      case 'sleep':
        if (run === undefined || run.stopReason !== null) return;
        this.#block(run, 'a sleep', true);
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

  /** Finishes the runs whose slots report that they have ended. */
  #collectEnded(thread: GuestThread): void {
    for (let run = this.#queues.current(thread); run?.slot?.isDone; run = this.#queues.current(thread)) {
      if (run.stopReason !== null) return;
      const result = run.finished ? null : thread.resultOf(run.slot);
      const { idle } = run.slot;
      // Set before the next run begins, because its `onBegin` may cancel this one.
      run.finished = true;
      if (idle !== null) this.#release(thread, run, idle);
      if (result !== null) {
        // Warm instances take the address space that the guest lacked.
        if (result.unstarted) this.#reservations.warm.shrinkTo(0);
        else this.#counts[result.warm ? 'warm' : 'fresh']++;
        finishEnded(run, result);
      }
      if (idle === null) return;
    }
  }

  /** Slot and memory stay reserved until the thread has reset the instance. */
  #release(thread: GuestThread, run: Run, { keptBytes, busyMs }: IdleReport): void {
    this.#stats.recordEnd(run.program, { busyMs, waited: run.waited });
    this.#reservations.release(run, thread, keptBytes);
    const next = this.#queues.current(thread);
    if (next === undefined) this.#threads.release(thread);
    else this.#reservations.begin(next);
  }

  // --- waiting in host calls

  #block(run: Run, where: string, long: boolean): void {
    run.blockedIn = where;
    run.waited = true;
    run.phase = 'blocked';
    if (run.thread !== null) this.#requeueUnstarted(run.thread);
    run.blockedAt = long ? 0 : performance.now();
    if (long) this.#park(run);
    this.#dispatch();
  }

  #park(run: Run): void {
    if (this.#reservations.park(run)) this.#threads.expectWaiting();
  }

  /** Schedules a check of the runs that were expected to be short. */
  #armRecheck(): void {
    if (this.#recheckTimer !== null || this.#closed) return;
    const othersWait = this.#runQueue.length > 0;
    // Runs of other namespaces may join runs that compute for long.
    const join = othersWait && this.#cpuSlots.isFull ? LONG_RUN_MS : null;
    const delay = recheckDelay(this.#queues, { othersWait }) ?? join;
    if (delay === null) return;
    this.#recheckTimer = setTimeout(() => this.#recheck(performance.now()), delay);
  }

  /**
   * Parks guests that have been in a host call for a while, and withdraws the runs that are queued
   * behind a run that computes longer than expected.
   */
  #recheck(now: number): void {
    this.#recheckTimer = null;
    for (const [thread] of this.#queues.all()) {
      // The main thread may be late rather than the guest.
      this.#collectEnded(thread);
      const run = this.#queues.current(thread);
      if (run === undefined || !isOverdue(run, now)) continue;
      if (run.phase === 'blocked') this.#park(run);
      else {
        this.#stats.recordOverrun(run.program);
        this.#cpuSlots.compute(run);
        this.#requeueUnstarted(thread);
      }
    }
    this.#dispatch();
  }

  // --- stopped and failed runs

  #stop(run: Run, ending: StopReason): void {
    // A result that is already in the slot counts, even if it is read late.
    if (run.thread !== null) this.#collectEnded(run.thread);
    if (run.finished || run.stopReason !== null) return;
    if (run.thread === null) {
      this.#runQueue.remove(run);
      finish(run, () => run.resolve(neverStarted()));
      this.#dispatch();
      return;
    }
    if (run.phase === 'next' && run.slot?.withdraw()) {
      this.#reservations.releaseUnstarted(run, run.thread);
      finish(run, () => run.resolve(neverStarted()));
      return;
    }
    run.stopReason = ending;
    this.#counts.kills++;
    abortOutsideWork(run);
    this.#requeueUnstarted(run.thread);
    void run.thread.kill();
    this.#dispatch();
  }

  #onExit(thread: GuestThread, error: Error | null): void {
    this.#collectEnded(thread);
    const [run, ...next] = this.#queues.of(thread);
    if (run !== undefined) this.#reservations.release(run, thread, 0);
    for (const each of next.reverse()) this.#onOrphaned(each, thread);
    if (run !== undefined) finishWithThread(run, error);
    this.#reservations.warm.removeAll(thread);
    this.#dispatch();
  }

  /**
   * Requeues a run that was queued on a thread that has exited: it had not begun and has had no
   * effect.
   */
  #onOrphaned(run: Run, thread: GuestThread): void {
    const { slot } = run;
    this.#reservations.releaseUnstarted(run, thread);
    if (run.stopReason === null) this.#runQueue.requeue(run);
    else {
      run.slot = slot;
      finishWithThread(run, null);
    }
  }
}
