import { AppError, messageOf } from '../errors.js';

/** Why Redis refuses writes, and the remedy, by the error code at the start of its reply. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ['MISCONF', 'it cannot write its file; free space on its disk'],
  ['OOM', 'its memory is full; raise its maxmemory, or wait until jobs have ended'],
  ['READONLY', 'it is a replica; name the primary in REDIS_URL'],
  ['MASTERDOWN', 'it is a replica; name the primary in REDIS_URL'],
  ['NOREPLICAS', 'it has fewer replicas than its min-replicas-to-write'],
  ['LOADING', 'it is still reading its file'],
  ['BUSY', 'a script has been running on it for too long; its log says which'],
  ['NOPERM', 'the user in REDIS_URL may not write all keys'],
  ['NOAUTH', 'it asks for a password; name it in REDIS_URL'],
  ['CLUSTERDOWN', 'a part of its cluster is down'],
]);

/**
 * Explains why a Redis that answers refuses writes: it can be reached, so saying that it cannot
 * would send its operator to the network. Returns null for other errors.
 */
export function refusedWrites(cause: unknown): AppError | null {
  const [word] = messageOf(cause).split(' ');
  const because = REASONS.get(word ?? '');
  if (because === undefined) return null;
  return new AppError('unavailable', `Redis takes no writes: ${because}.`, { cause });
}
