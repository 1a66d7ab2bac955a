import type { GuestThread } from '../threads/guest-thread.js';
import type { IdleReport } from '../threads/protocol.js';
import type { ThreadPool } from '../threads/thread-pool.js';
import { finishEnded } from './answer-run.js';
import type { Reservations } from './reservations.js';
import type { Run } from './run.js';
import type { RunQueue } from './run-queue.js';
import type { RunStats } from './run-stats.js';

/** What the parts of the scheduler work on. */
export interface SchedulerState {
  runQueue: RunQueue;
  threads: ThreadPool;
  reservations: Reservations;
  stats: RunStats;
}

/**
 * Finishes runs that have ended on their threads, and takes back those that have not begun there.
 */
export class ThreadRuns {
  readonly #state: SchedulerState;
  #warm = 0;
  #fresh = 0;

  constructor(state: SchedulerState) {
    this.#state = state;
  }

  /** Runs that began in a warm instance. */
  get warm(): number {
    return this.#warm;
  }

  /** Runs that began in a fresh instance. */
  get fresh(): number {
    return this.#fresh;
  }

  /** Finishes the runs whose slots report that they have ended. */
  collectEnded(thread: GuestThread): void {
    const { queues, warm } = this.#state.reservations;
    for (let run = queues.current(thread); run?.slot?.isDone; run = queues.current(thread)) {
      if (run.stopReason !== null) return;
      const result = run.finished ? null : thread.resultOf(run.slot);
      const { idle } = run.slot;
      // Set before the next run begins, because its `onBegin` may cancel this one.
      run.finished = true;
      if (idle !== null) this.#release(thread, run, idle);
      if (result !== null) {
        // Warm instances take the address space that the guest lacked.
        if (result.unstarted) warm.shrinkTo(0);
        else if (result.warm) this.#warm++;
        else this.#fresh++;
        finishEnded(run, result);
      }
      if (idle === null) return;
    }
  }

  /** Returns the runs that a thread has not begun to the run queue. */
  requeueUnstarted(thread: GuestThread): void {
    const { reservations, runQueue } = this.#state;
    for (const run of reservations.withdrawQueued(thread)) runQueue.requeue(run);
  }

  /** Slot and memory stay reserved until the thread has reset the instance. */
  #release(thread: GuestThread, run: Run, { keptBytes, busyMs }: IdleReport): void {
    const { reservations, stats, threads } = this.#state;
    stats.recordEnd(run.program, { busyMs, waited: run.waited });
    reservations.release(run, thread, keptBytes);
    const next = reservations.queues.current(thread);
    if (next === undefined) threads.release(thread);
    else reservations.begin(next);
  }
}
