import type { EndRow } from '../../src/core/invocations/follow-ups.js';
import type { Delivery } from '../../src/ports/queue.js';
import type { AttemptRow } from '../../src/ports/store/attempts.js';
import type { Store } from '../../src/ports/store.js';
import { WORKER_DIED } from './end-without-run.js';

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
