import type { Namespace } from '../../contract/ids.js';
import { quotaExceeded } from '../../contract/quotas.js';
import type { Principal } from '../../core/auth/principal.js';
import { isAppError } from '../../errors.js';
import type { Lease } from '../../ports/leases.js';
import type { Services } from '../services.js';

const NO_LEASE: Lease = { release: async () => undefined };

/**
 * Lease key under which the open sockets and streams of a namespace are counted across all
 * processes.
 */
export function socketKey(namespace: Namespace): string {
  return `sockets/${namespace}`;
}

/**
 * Acquires a lease for a socket or event stream of a namespace, to be released when it is closed.
 * Anonymous callers of public functions get at most half of the leases, so that they cannot lock
 * out the owner.
 */
export async function acquireSocketLease(
  { leases, quotas, logger }: Pick<Services, 'leases' | 'quotas' | 'logger'>,
  namespace: Namespace,
  principal: Principal | null,
): Promise<Lease> {
  const { sockets: limit } = await quotas.limits(namespace);
  try {
    const lease = await leases.acquire(socketKey(namespace), principal ? limit : Math.ceil(limit / 2));
    if (lease !== null) return lease;
  } catch (error) {
    if (!isAppError(error, 'unavailable')) throw error;
    // If the count is unknown, accept the socket.
    logger.debug({ err: error }, 'a socket could not be counted against the quota');
    return NO_LEASE;
  }
  throw quotaExceeded('sockets', { namespace, limit, used: await leases.held(socketKey(namespace)) });
}
