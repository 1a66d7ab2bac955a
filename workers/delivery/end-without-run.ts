import type { FunctionVersion } from '../../src/contract/function.js';
import { MAX_WORKER_CRASHES } from '../../src/contract/limits.js';
import type { InvocationEnd } from '../../src/core/invocations/finish.js';
import { newAttempt, newEnd } from '../../src/core/invocations/new-attempt.js';
import type { Delivery } from '../../src/ports/queue.js';
import type { AttemptRow } from '../../src/ports/store/attempts.js';

/** The error of an attempt whose worker crashed. */
export const WORKER_DIED = 'worker died';

/**
 * Counts only crashes during which the job's guest was running: a waiting job did not cause the
 * others.
 */
function isLastCrash({ crashesWhileRunning }: Delivery): boolean {
  return crashesWhileRunning >= MAX_WORKER_CRASHES;
}

/** What is due for a delivered invocation: a run, or an end without one. */
export type Due = { kind: 'run'; fn: FunctionVersion } | { kind: 'end'; ending: InvocationEnd };

/**
 * Returns what is due for an invocation of a function, which is null if it has been deleted: an
 * invocation ends if it must not run, or not again.
 */
export function dueOf(delivery: Delivery, fn: FunctionVersion | null): Due {
  const { acceptedAt, maxAgeMs } = delivery.invocation;
  if (isLastCrash(delivery)) return endsWith(lastCrash(delivery, fn));
  if (!fn) return endsWith(deletedEnd(delivery, delivery.attempt - 1));
  if (maxAgeMs === undefined || Date.now() - acceptedAt <= maxAgeMs) return { kind: 'run', fn };
  const error = `expired: older than ${maxAgeMs / 1000} s when its attempt was due`;
  return endsWith({
    ...{ invocation: delivery.invocation, function: fn, outcome: 'expired', output: new Uint8Array() },
    row: newEnd(delivery.invocation, delivery.attempt - 1, error),
  });
}

const endsWith = (ending: InvocationEnd): Due => ({ kind: 'end', ending });

/**
 * Returns rows for the earlier attempts whose workers crashed, without the last crash if it ends
 * the invocation: its row is written with the end. One per crash, because a worker may crash before
 * it has logged the previous crash. The store keeps rows that already exist.
 */
export function crashRows(delivery: Delivery): AttemptRow[] {
  const { crashes } = delivery;
  const length = crashes > 0 && isLastCrash(delivery) ? crashes - 1 : crashes;
  return Array.from({ length }, (_, crash) => crashRow(delivery, crash, WORKER_DIED));
}

/**
 * Returns the row of the attempt before a crash, by the number of crashes before it. It has no
 * duration: when its worker died is unknown, and the time until that was found would distort the
 * durations of its function. If its guest had not begun, its start is the time of detection.
 */
function crashRow(
  { invocation, attempt, crashes, crashStarts }: Delivery,
  crash: number,
  error: string,
): AttemptRow {
  const row = newAttempt(invocation, attempt - crashes + crash, error);
  // The clock of the machine that recorded the start may be ahead of this one.
  row.startedAt = Math.min(row.startedAt, crashStarts[crash] ?? row.startedAt);
  return row;
}

function lastCrash(delivery: Delivery, fn: FunctionVersion | null): InvocationEnd {
  const error = `worker died (${delivery.crashesWhileRunning} times while it was running, no further attempt)`;
  const row = crashRow(delivery, delivery.crashes - 1, error);
  return {
    invocation: delivery.invocation,
    function: fn,
    row,
    outcome: 'worker_died',
    output: new Uint8Array(),
  };
}

/** Returns the end of an invocation after `attempts` attempts whose function has been deleted. */
export function deletedEnd({ invocation }: Delivery, attempts: number): InvocationEnd {
  const error = `function "${invocation.function}" was deleted`;
  const row = newEnd(invocation, attempts, error);
  return { invocation, function: null, row, outcome: 'cancelled', output: new Uint8Array() };
}
