import type { GuestThread } from '../threads/guest-thread.js';
import { finish, finishWithThread } from './answer-run.js';
import { Cancellations } from './cancellations.js';
import { Deadlines } from './deadlines.js';
import { neverStarted, type StopReason } from './outcome.js';
import { abortOutsideWork, type Run } from './run.js';
import type { SchedulerState, ThreadRuns } from './thread-runs.js';

/**
 * Stops runs that are cancelled or exceed their deadline: a run that its thread has begun together
 * with the thread. Finishes the runs of threads that have exited.
 */
export class Stopping {
  readonly #state: SchedulerState;
  readonly #runs: ThreadRuns;
  /** Called when others may begin. */
  readonly #dispatch: () => void;
  readonly #deadlines: Deadlines;
  readonly #cancellations = new Cancellations((run) => this.#stop(run, 'cancelled'));
  #kills = 0;

  constructor(state: SchedulerState, runs: ThreadRuns, dispatch: () => void) {
    this.#state = state;
    this.#runs = runs;
    this.#dispatch = dispatch;
    this.#deadlines = new Deadlines(state.reservations.queues, (run) => this.#stop(run, 'timeout'));
  }

  /** The threads that were ended to stop a run. */
  get kills(): number {
    return this.#kills;
  }

  /** Stops the run when its caller cancels it. */
  watchSignal(run: Run): void {
    this.#cancellations.watch(run);
  }

  /** Stops a run that was just passed to a thread when its time is up. */
  watchDeadline(run: Run): void {
    this.#deadlines.watch(run);
  }

  close(): void {
    this.#deadlines.close();
    this.#cancellations.close();
    const { queues } = this.#state.reservations;
    // A result that is already in the slot counts, as otherwise its invocation would run again.
    for (const [thread] of [...queues.all()]) this.#runs.collectEnded(thread);
    for (const [, runs] of queues.all()) {
      for (const run of runs) run.stopReason ??= 'closing';
    }
  }

  /** Finishes the current run of a thread that has exited, and requeues those behind it. */
  onExit(thread: GuestThread, error: Error | null): void {
    this.#runs.collectEnded(thread);
    const { reservations } = this.#state;
    const [run, ...next] = reservations.queues.of(thread);
    if (run !== undefined) reservations.release(run, thread, 0);
    for (const each of next.reverse()) this.#onOrphaned(each, thread);
    if (run !== undefined) finishWithThread(run, error);
    reservations.warm.removeAll(thread);
    this.#dispatch();
  }

  #stop(run: Run, reason: StopReason): void {
    // A result that is already in the slot counts, even if it is read late.
    if (run.thread !== null) this.#runs.collectEnded(run.thread);
    if (run.finished || run.stopReason !== null) return;
    if (run.thread === null) {
      this.#state.runQueue.remove(run);
      finish(run, () => run.resolve(neverStarted()));
      this.#dispatch();
      return;
    }
    if (run.phase === 'next' && run.slot?.withdraw()) {
      this.#state.reservations.releaseUnstarted(run, run.thread);
      finish(run, () => run.resolve(neverStarted()));
      this.#dispatch();
      return;
    }
    run.stopReason = reason;
    this.#kills++;
    abortOutsideWork(run);
    this.#runs.requeueUnstarted(run.thread);
    void run.thread.kill();
    this.#dispatch();
  }

  /**
   * Requeues a run that was queued on a thread that has exited: it had not begun and has had no
   * effect.
   */
  #onOrphaned(run: Run, thread: GuestThread): void {
    const { slot } = run;
    this.#state.reservations.releaseUnstarted(run, thread);
    if (run.stopReason === null) this.#state.runQueue.requeue(run);
    else {
      run.slot = slot;
      finishWithThread(run, null);
    }
  }
}
