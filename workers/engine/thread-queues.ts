import type { GuestThread } from '../threads/guest-thread.js';
import type { Run } from './run.js';
import type { RunStats } from './run-stats.js';

/**
 * A busy thread receives further runs while the expected duration of all its runs is at most this,
 * in milliseconds: on a thread that must be woken, the next run would begin later.
 */
const QUEUE_MS = 1;

/** The queue of each busy thread: its current run, then the runs that it will begin next. */
export class ThreadQueues {
  readonly #queues = new Map<GuestThread, [Run, ...Run[]]>();

  /** The number of busy threads. */
  get size(): number {
    return this.#queues.size;
  }

  get queuedCount(): number {
    let next = 0;
    for (const queue of this.#queues.values()) next += queue.length - 1;
    return next;
  }

  current(thread: GuestThread): Run | undefined {
    return this.#queues.get(thread)?.[0];
  }

  of(thread: GuestThread): readonly Run[] {
    return this.#queues.get(thread) ?? [];
  }

  all(): IterableIterator<[GuestThread, readonly [Run, ...Run[]]]> {
    return this.#queues.entries();
  }

  /**
   * Returns a busy thread whose runs are all expected to be short, or null. Waking an idle thread
   * takes longer than a short run, so the next run begins sooner behind them.
   */
  threadWithShortRuns(stats: RunStats): GuestThread | null {
    for (const [thread, queue] of this.#queues) {
      if (!thread.hasSlot || queue[0].phase !== 'computing' || queue[0].stopReason !== null) continue;
      if (isExpectedShort(queue, stats)) return thread;
    }
    return null;
  }

  add(thread: GuestThread, run: Run): void {
    const queue = this.#queues.get(thread);
    if (queue === undefined) this.#queues.set(thread, [run]);
    else queue.push(run);
  }

  /** Removes the current or a queued run from its thread's queue. */
  remove(thread: GuestThread, run: Run): void {
    const queue = this.#queues.get(thread);
    const at = queue?.indexOf(run) ?? -1;
    if (queue === undefined || at < 0) return;
    queue.splice(at, 1);
    if (queue.length === 0) this.#queues.delete(thread);
  }
}

function isExpectedShort(queue: readonly Run[], stats: RunStats): boolean {
  let expectedMs = 0;
  for (const { program } of queue) {
    const runMs = stats.expectedShortMs(program);
    if (runMs === null) return false;
    expectedMs += runMs;
  }
  return expectedMs <= QUEUE_MS;
}
