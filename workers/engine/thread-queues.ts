import type { GuestThread } from '../threads/guest-thread.js';
import type { Run } from './run.js';
import type { RunStats } from './run-stats.js';

/**
 * A host call that takes longer parks its guest; shorter ones would only spread work over more
 * threads.
 */
const PARK_AFTER_MS = 2;
/**
 * What a thread has in hand together is expected to be over within this: what waits behind it would
 * begin later elsewhere.
 */
const QUEUE_MS = 1;
/** A run that was to be over in no time and is not: those behind it are taken back. */
const OVERDUE_AFTER_MS = 5;

/**
 * The runs that each busy thread has: the one that it is at, and those that it has got already and
 * will begin next.
 */
export class ThreadQueues {
  readonly #queues = new Map<GuestThread, [Run, ...Run[]]>();

  /** Busy threads. */
  get size(): number {
    return this.#queues.size;
  }

  get queuedCount(): number {
    let next = 0;
    for (const line of this.#queues.values()) next += line.length - 1;
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
   * Waking a thread takes this one longer than a quick run takes, so what comes next goes to a
   * thread that is at one: it begins without having slept.
   */
  threadWithShortRuns(pace: RunStats): GuestThread | null {
    for (const [thread, line] of this.#queues) {
      if (!thread.hasSlot || line[0].phase !== 'computing' || line[0].stopReason !== null) continue;
      if (isExpectedShort(line, pace)) return thread;
    }
    return null;
  }

  add(thread: GuestThread, run: Run): void {
    const line = this.#queues.get(thread);
    if (line === undefined) this.#queues.set(thread, [run]);
    else line.push(run);
  }

  /** Takes the current run, or one that is next, out of its thread's line. */
  remove(thread: GuestThread, run: Run): void {
    const line = this.#queues.get(thread);
    const at = line?.indexOf(run) ?? -1;
    if (line === undefined || at < 0) return;
    line.splice(at, 1);
    if (line.length === 0) this.#queues.delete(thread);
  }
}

function isExpectedShort(line: readonly Run[], pace: RunStats): boolean {
  let expectedMs = 0;
  for (const { program } of line) {
    const quickMs = pace.quickMs(program);
    if (quickMs === null) return false;
    expectedMs += quickMs;
  }
  return expectedMs <= QUEUE_MS;
}

/** It waits, or computes, for longer than what is short. */
export function isOverdue(run: Run, now: number): boolean {
  if (run.phase === 'blocked') return now - run.blockedAt >= PARK_AFTER_MS;
  return now - run.computesSince >= OVERDUE_AFTER_MS;
}

/**
 * After how many milliseconds to look at the runs again that were expected to be over soon; null
 * when there is none.
 */
export function recheckDelay(lines: ThreadQueues, { othersWait }: { othersWait: boolean }): number | null {
  let patience: number | null = null;
  for (const [, [run, next]] of lines.all()) {
    const isAside = run.cpuSlot === 'parked';
    if (run.phase === 'blocked') {
      if (!isAside && othersWait) return PARK_AFTER_MS;
    } else if (isAside || next !== undefined) patience = OVERDUE_AFTER_MS;
  }
  return patience;
}
