import type { FunctionVersion } from '../../src/contract/function.js';
import type { Finisher } from '../../src/core/invocations/finish.js';
import { newEnd } from '../../src/core/invocations/new-attempt.js';
import type { RefusalCode } from '../../src/core/invocations/reply.js';
import { messageOf } from '../../src/errors.js';
import type { Delivery } from '../../src/ports/queue.js';
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

/**
 * Shortens the delay after which a job that no guest could run is due again, so that a call is
 * refused as soon as it has waited for long enough.
 */
export function untilRefusal(delivery: Delivery, delayMs: number): number {
  const leftMs = delivery.invocation.replyTo === undefined ? null : guestWaitLeftMs(delivery);
  // Its caller no longer waits if it has waited for longer: it could not be refused.
  return leftMs === null || leftMs < 0 ? delayMs : Math.min(delayMs, leftMs + 1);
}

/** A call that has not run yet waits only so long for a place among its namespace's guests. */
function hasWaitedTooLong(delivery: Delivery): boolean {
  const leftMs = guestWaitLeftMs(delivery);
  return leftMs !== null && leftMs < 0;
}

/** Returns null for an invocation that has run already: it waits for as long as is needed. */
function guestWaitLeftMs({ invocation, attempt }: Delivery): number | null {
  return attempt === 1 ? GUEST_WAIT_MS - (Date.now() - invocation.acceptedAt) : null;
}
