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

/** A call that has not run yet waits only so long for a place among its namespace's guests. */
function hasWaitedTooLong({ invocation, attempt }: Delivery): boolean {
  return attempt === 1 && Date.now() - invocation.acceptedAt > GUEST_WAIT_MS;
}
