import { LONG_RUN_MS } from './cpu-slots.js';
import type { Run } from './run.js';
import type { ThreadQueues } from './thread-queues.js';
import type { SchedulerState, ThreadRuns } from './thread-runs.js';

/**
 * A host call that takes longer than this, in milliseconds, parks its guest. Parking shorter calls
 * would only spread work over more threads.
 */
const PARK_AFTER_MS = 2;
/**
 * A run that was expected to be short may compute for this long, in milliseconds: then the runs
 * queued behind it are withdrawn.
 */
const WITHDRAW_AFTER_MS = 5;

/**
 * Parks guests that wait for long, and withdraws the runs that are queued behind a guest that waits
 * or that computes longer than expected.
 */
export class Parking {
  readonly #state: SchedulerState;
  readonly #runs: ThreadRuns;
  /** Called when others may begin. */
  readonly #dispatch: () => void;
  #recheckTimer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(state: SchedulerState, runs: ThreadRuns, dispatch: () => void) {
    this.#state = state;
    this.#runs = runs;
    this.#dispatch = dispatch;
  }

  /** Marks a guest as waiting, in a host call or a sleep that `where` names. */
  block(run: Run, where: string, { isLong }: { isLong: boolean }): void {
    run.blockedIn = where;
    run.waited = true;
    run.phase = 'blocked';
    if (run.thread !== null) this.#runs.requeueUnstarted(run.thread);
    run.parkAt = performance.now() + (isLong ? 0 : PARK_AFTER_MS);
    if (isLong) this.#park(run);
    this.#dispatch();
  }

  /** Schedules a check of the runs that were expected to be short. */
  armRecheck(): void {
    if (this.#recheckTimer !== null || this.#closed) return;
    const { runQueue, reservations } = this.#state;
    const othersWait = runQueue.length > 0;
    // Runs of other namespaces may join runs that compute for long.
    const join = othersWait && reservations.cpuSlots.isFull ? LONG_RUN_MS : null;
    const delay = recheckDelay(reservations.queues, { othersWait }) ?? join;
    if (delay === null) return;
    this.#recheckTimer = setTimeout(() => this.#recheck(performance.now()), delay);
  }

  close(): void {
    this.#closed = true;
    if (this.#recheckTimer !== null) clearTimeout(this.#recheckTimer);
  }

  #recheck(now: number): void {
    this.#recheckTimer = null;
    const { reservations, stats } = this.#state;
    for (const [thread] of reservations.queues.all()) {
      // The main thread may be late rather than the guest.
      this.#runs.collectEnded(thread);
      const run = reservations.queues.current(thread);
      if (run === undefined || !exceedsShortRun(run, now)) continue;
      if (run.phase === 'blocked') this.#park(run);
      else {
        stats.recordOverrun(run.program);
        reservations.cpuSlots.compute(run);
        this.#runs.requeueUnstarted(thread);
      }
    }
    this.#dispatch();
  }

  #park(run: Run): void {
    const { reservations, threads } = this.#state;
    if (reservations.park(run)) threads.expectWaiting();
  }
}

/** Returns whether a run has waited or computed for longer than a short run does. */
function exceedsShortRun(run: Run, now: number): boolean {
  return now >= (run.phase === 'blocked' ? run.parkAt : run.computesSince + WITHDRAW_AFTER_MS);
}

/**
 * Returns the delay until runs that were expected to be short must be checked, in milliseconds;
 * null when no check is needed.
 */
function recheckDelay(queues: ThreadQueues, { othersWait }: { othersWait: boolean }): number | null {
  let delay: number | null = null;
  for (const [, [run, next]] of queues.all()) {
    const isParked = run.cpuSlot === 'parked';
    if (run.phase === 'blocked') {
      if (!isParked && othersWait) return PARK_AFTER_MS;
    } else if (isParked || next !== undefined) delay = WITHDRAW_AFTER_MS;
  }
  return delay;
}
