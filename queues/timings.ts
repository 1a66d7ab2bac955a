/** The timings of job locks and of retries. */
export interface QueueTimings {
  /**
   * The duration of a job lock in milliseconds: a worker that has not renewed its locks for this
   * long loses its jobs to another worker.
   */
  lockMs: number;
  /**
   * The interval of the checks for expired locks, in milliseconds. A stalled job is redelivered two
   * checks after its lock expires at the latest: 8 s and 3 s give 14 s.
   */
  stalledCheckMs: number;
  /**
   * After what time a tick of a schedule is delivered again, in milliseconds; default: a minute.
   */
  tickRetryMs?: number;
}

export const DEFAULT_TIMINGS: QueueTimings = { lockMs: 8000, stalledCheckMs: 3000 };

/**
 * Derives the timings from the lock duration (in milliseconds): a shorter lock also shortens the
 * check interval, a longer lock leaves it at the default.
 */
export function timingsFor(lockMs: number): QueueTimings {
  const { lockMs: usual, stalledCheckMs } = DEFAULT_TIMINGS;
  return { lockMs, stalledCheckMs: Math.min(stalledCheckMs, Math.round((lockMs * stalledCheckMs) / usual)) };
}

/**
 * Disables BullMQ's own limit of stalls: the delivery handler decides which crash of an invocation
 * is the last, and ticks and tasks survive any number.
 */
const UNLIMITED_STALLS = 1_000_000;

/** Returns the options of BullMQ's workers and backends that concern job locks. */
export function lockOptions({ lockMs, stalledCheckMs }: QueueTimings) {
  return { lockDuration: lockMs, stalledInterval: stalledCheckMs, maxStalledCount: UNLIMITED_STALLS };
}
