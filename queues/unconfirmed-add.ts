import { setTimeout as sleep } from 'node:timers/promises';
import { withTimeout } from '../src/concurrency/timeout.js';
import type { RequestId } from '../src/contract/ids.js';
import { AppError } from '../src/errors.js';
import { queueUnavailable } from './errors.js';

/** How long the queue is asked for the outcome of an add whose response was lost. */
const CONFIRM_MS = 300;
const PAUSE_MS = 50;

/**
 * Thrown by a driver whose server may have executed an add although no response arrived: the
 * connection was lost, or the server was too slow.
 */
export class UnconfirmedAdd extends Error {
  /** Monotonic time in milliseconds after which the server adds nothing any more. */
  readonly decidedAt: number;

  constructor(decidedAt: number, cause: unknown) {
    super('the response to an add was lost', { cause });
    this.name = 'UnconfirmedAdd';
    this.decidedAt = decidedAt;
  }
}

/**
 * Finds out whether an unconfirmed add was accepted. Resolves if it was; rejects with `unavailable`
 * if it certainly was not, and with `ambiguous_write` if the server does not respond.
 *
 * @param id A job of the add, which was accepted as a whole or not at all.
 * @param isAccepted Resolves with whether the job is in the queue or has ended.
 */
export async function confirmAdd(
  id: RequestId,
  { decidedAt, cause }: UnconfirmedAdd,
  isAccepted: () => Promise<boolean>,
): Promise<void> {
  const end = Math.max(performance.now(), decidedAt) + CONFIRM_MS;
  for (;;) {
    const askedAt = performance.now();
    if (askedAt >= end) throw unconfirmed(id, cause);
    const accepted = await withTimeout(end - askedAt, isAccepted(), () => unconfirmed(id, cause)).catch(
      () => null,
    );
    if (accepted) return;
    if (accepted === false && askedAt > decidedAt) throw queueUnavailable(cause);
    await sleep(PAUSE_MS);
  }
}

function unconfirmed(id: RequestId, cause: unknown): AppError {
  return new AppError(
    'ambiguous_write',
    `The queue did not confirm whether it accepted invocation ${id}; it may still run. Look for it by this id before you repeat the request, or repeat the request with the same Idempotency-Key.`,
    { cause, retryAfter: 1, requestId: id },
  );
}
