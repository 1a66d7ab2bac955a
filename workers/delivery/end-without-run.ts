import type { FunctionVersion } from '../../src/contract/function.js';
import { MAX_WORKER_CRASHES } from '../../src/contract/limits.js';
import type { Finisher, InvocationEnd } from '../../src/core/invocations/finish.js';
import type { EndRow } from '../../src/core/invocations/follow-ups.js';
import { newAttempt, newEnd } from '../../src/core/invocations/new-attempt.js';
import type { RefusalCode } from '../../src/core/invocations/reply.js';
import { messageOf } from '../../src/errors.js';
import type { Delivery } from '../../src/ports/queue.js';
import type { AttemptRow } from '../../src/ports/store/attempts.js';
import type { Store } from '../../src/ports/store.js';
import { ModuleUnavailable } from '../engine/module-unavailable.js';
import { ThreadsUnavailable } from '../engine/threads-unavailable.js';
import { GuestLimitReached } from './guest-limit.js';

/**
 * How long a call waits for a place among the guests of its namespace (quota `concurrent_guests`),
 * in milliseconds, before its caller gets 429: longer than a burst of quick calls takes.
 */
const GUEST_WAIT_MS = 5000;
/**
 * How long a call is put back into the queue while its worker can start no thread, in milliseconds.
 */
const THREAD_WAIT_MS = 5000;

/** The error of an attempt whose worker crashed. */
const WORKER_DIED = 'worker died';

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
  const { acceptedAt, maxAgeMs, function: name } = delivery.invocation;
  if (isLastCrash(delivery)) return endsWith(lastCrash(delivery, fn));
  if (!fn) return endsWith(unrunEnd(delivery, null, 'cancelled', `function "${name}" was deleted`));
  if (maxAgeMs === undefined || Date.now() - acceptedAt <= maxAgeMs) return { kind: 'run', fn };
  const error = `expired: older than ${maxAgeMs / 1000} s when its attempt was due`;
  return endsWith(unrunEnd(delivery, fn, 'expired', error));
}

const endsWith = (ending: InvocationEnd): Due => ({ kind: 'end', ending });

/**
 * Returns rows for the earlier attempts whose workers crashed, without the last crash if it ends
 * the invocation: its row is written with the end. One per crash, because a worker may crash before
 * it has logged the previous crash. The store keeps rows that already exist.
 */
export function crashRows(delivery: Delivery): AttemptRow[] {
  const { invocation, attempt, crashes } = delivery;
  const length = crashes > 0 && isLastCrash(delivery) ? crashes - 1 : crashes;
  return Array.from({ length }, (_, n) => newAttempt(invocation, attempt - crashes + n, WORKER_DIED));
}

function lastCrash(delivery: Delivery, fn: FunctionVersion | null): InvocationEnd {
  const error = `worker died (${delivery.crashesWhileRunning} times while it was running, no further attempt)`;
  const row = newAttempt(delivery.invocation, delivery.attempt - 1, error);
  return {
    invocation: delivery.invocation,
    function: fn,
    row,
    outcome: 'worker_died',
    output: new Uint8Array(),
  };
}

/** Returns an end without another attempt. */
function unrunEnd(
  delivery: Delivery,
  fn: FunctionVersion | null,
  outcome: 'cancelled' | 'expired',
  error: string,
): InvocationEnd {
  const { invocation } = delivery;
  const row = newEnd(invocation, delivery.attempt - 1, error);
  return { invocation, function: fn, row, outcome, output: new Uint8Array() };
}

/**
 * Returns the stored attempts of an invocation that may have run already: of a redelivered one, and
 * of a replay, which two requests at once may have put onto the queue one after the other. While
 * the store is unreachable they are unknown; running twice is then better than waiting for the
 * store.
 */
export async function earlierAttempts(
  { store }: { store: { attempts: Pick<Store['attempts'], 'invocation'> } },
  { redelivered, invocation: { id, trigger } }: Pick<Delivery, 'redelivered' | 'invocation'>,
): Promise<AttemptRow[]> {
  if (!redelivered && trigger !== 'replay') return [];
  const stored = await store.attempts.invocation(id).catch(() => null);
  return stored?.attempts ?? [];
}

/**
 * Returns the stored end of an invocation: it is not run again, but its outcome events and callback
 * are sent, because the end was made durable before them.
 */
export function endOf(stored: readonly AttemptRow[]): EndRow | null {
  const last = stored.at(-1);
  return last?.final ? { ...last, final: last.final } : null;
}

/**
 * Returns the failed attempt whose retry the queue does not know: its row was written, but the
 * worker died, or could not reach the queue, before it put the job back. Running the guest now
 * would omit the delay, and the invocation would have an attempt too many.
 */
export function failureOf(delivery: Delivery, stored: readonly AttemptRow[]): AttemptRow | null {
  if (delivery.isLastAttempt || delivery.signal.aborted) return null;
  const failed = stored.filter((row) => row.isAttempt && row.error !== WORKER_DIED);
  return (failed.length > delivery.failures && failed.at(-1)) || null;
}

/**
 * Ends an invocation whose attempt could not run because of this error. Resolves with false if no
 * caller waits, or may wait longer: the invocation is then put back into the queue.
 */
export async function refuse(
  { finisher }: { finisher: Pick<Finisher, 'refuse'> },
  delivery: Delivery,
  fn: FunctionVersion | null,
  error: unknown,
): Promise<boolean> {
  const code = refusalCode(error, delivery);
  if (code === null) return false;
  const { invocation, attempt } = delivery;
  const row = newEnd(invocation, attempt - 1, messageOf(error));
  const output = new Uint8Array();
  return finisher.refuse({ invocation, function: fn, row, outcome: 'error', output }, code);
}

/**
 * Returns the code with which a waiting caller is refused for this error, or null if its call is
 * put back: it is refused at once for a module that may stay unreachable; for a thread only after
 * a while, because another worker may have one.
 */
function refusalCode(error: unknown, delivery: Delivery): RefusalCode | null {
  if (error instanceof GuestLimitReached) return hasWaitedTooLong(delivery) ? 'quota_exceeded' : null;
  if (error instanceof ModuleUnavailable) return 'unavailable';
  if (!(error instanceof ThreadsUnavailable)) return null;
  return Date.now() - delivery.invocation.acceptedAt > THREAD_WAIT_MS ? 'unavailable' : null;
}

/** A call that has not run yet waits only so long for a place among its namespace's guests. */
function hasWaitedTooLong({ invocation, attempt }: Delivery): boolean {
  return attempt === 1 && Date.now() - invocation.acceptedAt > GUEST_WAIT_MS;
}
