import type { IncomingMessage } from 'node:http';
import { DEFAULT_NAMESPACE, type Namespace, namespaceSchema } from '../contract/ids.js';
import { quotaExceeded } from '../contract/quotas.js';
import type { Scope } from '../contract/scopes.js';
import { parseOrRefuse } from '../contract/sentence.js';
import type { Principal } from '../core/auth/principal.js';
import { assertScope } from '../core/auth/rights.js';
import { AppError, isAppError } from '../errors.js';
import { createClientAddresses } from './client-address.js';
import type { Access } from './route.js';
import type { Services } from './services.js';

export interface Caller {
  principal: Principal | null;
  /** The credential's; of an anonymous call the one it asks for. */
  namespace: Namespace;
  /**
   * Counts one more use, or several, against the same limit: for the messages of a socket or a
   * batch.
   */
  countUse(times?: number): Promise<void>;
}

export interface Wanted {
  access: Access;
  /** What the key must be allowed to do; null: nothing in particular. */
  scope: Scope | null;
  credential: string | null;
  /** `?namespace=`, as it came. */
  namespace: unknown;
  anyNamespace: boolean;
  /** False for what monitors ask. */
  limited: boolean;
}

/**
 * Who is calling, for which namespace, and whether the rate limit lets it: the same for requests
 * and sockets.
 */
export type Admission = (request: IncomingMessage, wanted: Wanted) => Promise<Caller>;

export function createAdmission({ auth, limiter, quotas, config }: Services): Admission {
  const { rateLimitKeyOf } = createClientAddresses(config.TRUSTED_PROXIES);

  const countAnonymous = async (request: IncomingMessage, times?: number) =>
    assertWithin(
      await limiter.consume(`ip:${rateLimitKeyOf(request)}`, config.ANON_RATE_LIMIT_PER_MINUTE, times),
    );

  const countOwn = async (namespace: Namespace, times?: number) => {
    const { requests_per_minute: limit } = quotas.peek(namespace) ?? (await quotas.limits(namespace));
    const { allowed, retryAfterSeconds } = await limiter.consume(rateKey(namespace), limit, times);
    if (allowed) return;
    // A block of several may be refused though some are left; those that come singly have taken
    // all.
    throw quotaExceeded('requests_per_minute', {
      ...{ namespace, limit, used: await limiter.used(rateKey(namespace)), retryAfter: retryAfterSeconds },
    });
  };

  return async (request, wanted) => {
    let principal: Principal | null = null;
    if (wanted.access !== 'open' && wanted.credential !== null) {
      try {
        principal = await auth.authenticate(wanted.credential);
      } catch (error) {
        // Guesses count like anonymous calls, so that nobody tries keys faster than that.
        if (isAppError(error, 'unauthorized')) await countAnonymous(request);
        throw error;
      }
    }
    if (!principal) {
      if (wanted.limited) await countAnonymous(request);
      if (wanted.access === 'required') {
        throw new AppError(
          'unauthorized',
          'This needs a credential; send an API key as X-API-Key, or a token as Authorization: Bearer.',
        );
      }
      return {
        principal,
        namespace: parseNamespace(wanted.namespace) ?? DEFAULT_NAMESPACE,
        countUse: (times) => countAnonymous(request, times),
      };
    }
    const { namespace } = principal;
    await countOwn(namespace);
    if (wanted.scope !== null) assertScope(principal, wanted.scope);
    if (wanted.namespace !== undefined && !wanted.anyNamespace) {
      assertOwnNamespace(principal, parseNamespace(wanted.namespace));
    }
    return { principal, namespace, countUse: (times) => countOwn(namespace, times) };
  };
}

/** Under which the requests of a namespace are counted. */
export function rateKey(namespace: Namespace): string {
  return `ns:${namespace}`;
}

/**
 * For a `namespace` in a query or body: absent, or the credential's own. `name` says which of
 * several it is.
 */
export function assertOwnNamespace(principal: Principal, asked: Namespace | undefined, name?: string): void {
  if (asked === undefined || asked === principal.namespace) return;
  throw new AppError(
    'forbidden',
    `${name === undefined ? '' : `${name}: `}This credential belongs to namespace "${principal.namespace}" and cannot act in "${asked}".`,
  );
}

function parseNamespace(value: unknown): Namespace | undefined {
  if (value === undefined) return undefined;
  return parseOrRefuse(namespaceSchema, value, { code: 'invalid_request', name: () => 'namespace' });
}

function assertWithin({ allowed, retryAfterSeconds }: { allowed: boolean; retryAfterSeconds: number }): void {
  if (allowed) return;
  throw new AppError(
    'rate_limited',
    `Too many requests in this minute; try again in ${retryAfterSeconds} s.`,
    { retryAfter: retryAfterSeconds },
  );
}
