import { FairLimiter, type FairLimits } from '../concurrency/fair-limiter.js';
import type { Namespace } from '../contract/ids.js';
import { AppError } from '../errors.js';
import { orAborted } from './or-aborted.js';

/**
 * Resolves with all addresses of a host name. An implementation releases what the lookup holds when
 * the signal is aborted.
 */
export type Resolve = (host: string, signal: AbortSignal) => Promise<readonly string[]>;

/** Looks up a name for a namespace. Rejects with `unavailable` if the name has no address. */
export interface NameLookups {
  addresses(host: string, lookup: Lookup): Promise<readonly string[]>;
}

export interface Lookup {
  namespace: Namespace;
  /** Aborts the lookup, in addition to its own time limit. */
  signal?: AbortSignal | undefined;
}

/** Time for a lookup, including the time that it waits for others of its namespace. */
export const LOOKUP_MS = 5000;
/**
 * Lookups at once. Each holds a UDP socket for up to `LOOKUP_MS`, and some name servers limit the
 * queries of a client; a responsive server answers eight within milliseconds.
 */
const LIMITS: FairLimits = { each: 8, all: 128 };

/**
 * Namespaces choose the names that are looked up, and thereby the name servers that answer. A
 * server that does not answer delays only lookups of the namespace that asked for it.
 */
export function createNameLookups(resolve: Resolve, timeoutMs: number): NameLookups {
  const limiter = new FairLimiter(LIMITS);

  return {
    async addresses(host, { namespace, signal }) {
      const end = new AbortController();
      const onAbort = () => end.abort(signal?.reason);
      let reason = '';
      const timer = setTimeout(() => {
        reason = `: no answer within ${timeoutMs / 1000} s`;
        end.abort();
      }, timeoutMs);
      signal?.addEventListener('abort', onAbort, { once: true });
      if (signal?.aborted) onAbort();
      const start = async () => {
        // The lookup may have ended while it waited.
        end.signal.throwIfAborted();
        return orAborted(resolve(host, end.signal), end.signal);
      };
      let addresses: readonly string[];
      try {
        addresses = await orAborted(limiter.run(namespace, start), end.signal);
      } catch (cause) {
        throw new AppError('unavailable', `The host name ${host} could not be resolved${reason}`, { cause });
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      }
      if (addresses.length === 0) throw new AppError('unavailable', `The host name ${host} has no address`);
      return addresses;
    },
  };
}
