import type { RequestId } from '../../contract/ids.js';
import { AppError } from '../../errors.js';
import type { Backlog } from '../../ports/backlog.js';
import type { AttemptStore, StoredInvocation } from '../../ports/store/attempts.js';

export interface RecordedDeps {
  attempts: Pick<AttemptStore, 'invocation'>;
  /** Holds records of ended invocations that are not in the store yet. */
  backlog: Pick<Backlog, 'size'>;
}

/**
 * Reads an invocation that was neither on the queue nor in the store. Resolves with null if it was
 * never accepted; throws `unavailable` if its record may be in the backlog, so that an accepted
 * invocation is never taken for one that was not.
 */
export async function readRecorded(
  { attempts, backlog }: RecordedDeps,
  id: RequestId,
): Promise<StoredInvocation | null> {
  // Before the store is read, because records are moved to it.
  const mayBeInBacklog = (await backlog.size()) > 0;
  const stored = await attempts.invocation(id);
  if (stored !== null || !mayBeInBacklog) return stored;
  throw new AppError(
    'unavailable',
    `The record of invocation ${id} may not have been written to the store yet; try again.`,
    { retryAfter: 1 },
  );
}
