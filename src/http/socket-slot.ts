import type { Namespace } from '../contract/ids.js';
import { quotaExceeded } from '../contract/quotas.js';
import type { Principal } from '../core/auth/principal.js';
import { isAppError } from '../errors.js';
import type { Lease } from '../ports/leases.js';
import type { Services } from './services.js';

const NO_LEASE: Lease = { release: async () => undefined };

/** Under which the open sockets and streams of a namespace are counted, over all processes. */
export function socketKey(namespace: Namespace): string {
  return `sockets/${namespace}`;
}

/**
 * Takes one of the sockets and event streams that a namespace may have open; release it when it is
 * closed. Strangers, who may open sockets to its public functions, get half of them at most: they
 * cannot keep its owner out.
 */
export async function takeSocketSlot(
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
    // Not known how many there are: better one too many than none.
    logger.debug({ err: error }, 'a socket is not counted');
    return NO_LEASE;
  }
  throw quotaExceeded('sockets', { namespace, limit, used: await leases.held(socketKey(namespace)) });
}
