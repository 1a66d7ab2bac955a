import type { IncomingMessage } from 'node:http';
import { DEFAULT_NAMESPACE, type Namespace, namespaceSchema } from '../../contract/ids.js';
import { parseOrThrow } from '../../contract/parse-or-throw.js';
import { quotaExceeded } from '../../contract/quotas.js';
import type { Scope } from '../../contract/scope-names.js';
import type { Principal } from '../../core/auth/principal.js';
import { assertScope } from '../../core/auth/rights.js';
import { AppError, isAppError } from '../../errors.js';
import type { Services } from '../services.js';
import type { ClientAddresses } from './client-address.js';

/**
 * `open`: credentials are ignored. `optional`: anonymous calls are accepted, invalid credentials
 * are not. `required`: anonymous calls get 401.
 */
export type Access = 'open' | 'optional' | 'required';
/**
 * Who may name a namespace other than the credential's: the admin key, or everybody where public
 * functions of other namespaces can be called.
 */
export type OtherNamespaces = 'nobody' | 'admin' | 'everybody';

export interface Caller {
  principal: Principal | null;
  /** Namespace of the credential; for an anonymous call the requested one. */
  namespace: Namespace;
  /**
   * Counts one or more further uses against the same limit, for the messages of a socket or a
   * batch.
   */
  countUse(times?: number): Promise<void>;
}

export interface AdmissionRequest {
  /**
   * `anybody`: like `optional`, but a credential that this engine does not accept counts as none.
   * An HTTP function may be called by clients that have keys of other systems.
   */
  access: Access | 'anybody';
  /** Required scope of the key; null if none is required. */
  scope: Scope | null;
  credential: string | null;
  /** The query parameter `namespace`, not validated yet. */
  namespace: unknown;
  otherNamespaces: OtherNamespaces;
  /** False for endpoints used by monitoring. */
  limited: boolean;
}

/**
 * Authenticates a request, determines its namespace and enforces the rate limit; the same for HTTP
 * requests and sockets. Throws if the request is refused.
 */
export type Admission = (request: IncomingMessage, wanted: AdmissionRequest) => Promise<Caller>;

export function createAdmission(
  { auth, limiter, quotas, config }: Pick<Services, 'auth' | 'limiter' | 'quotas' | 'config'>,
  { rateLimitKeyOf }: ClientAddresses,
): Admission {
  const countAnonymous = async (request: IncomingMessage, times?: number) =>
    assertWithin(
      await limiter.consume(`ip:${rateLimitKeyOf(request)}`, config.ANON_RATE_LIMIT_PER_MINUTE, times),
    );

  const countOwn = async (namespace: Namespace, times?: number) => {
    const { requests_per_minute: limit } = quotas.peek(namespace) ?? (await quotas.limits(namespace));
    const { allowed, retryAfterSeconds } = await limiter.consume(rateKey(namespace), limit, times);
    if (allowed) return;
    // A block of several uses may be refused although some are left; single uses have consumed all.
    throw quotaExceeded('requests_per_minute', {
      namespace,
      limit,
      used: await limiter.used(rateKey(namespace)),
      retryAfter: retryAfterSeconds,
    });
  };

  /** Resolves with null for an anonymous call. */
  const authenticate = async (request: IncomingMessage, { access, credential }: AdmissionRequest) => {
    if (access === 'open' || credential === null) return null;
    try {
      return await auth.authenticate(credential);
    } catch (error) {
      const isUnauthorized = isAppError(error, 'unauthorized');
      if (access === 'anybody' && (isUnauthorized || isAppError(error, 'forbidden'))) return null;
      // Failed authentication counts as an anonymous call, which limits the rate at which keys can
      // be guessed.
      if (isUnauthorized) await countAnonymous(request);
      throw error;
    }
  };

  const admitAnonymous = async (request: IncomingMessage, wanted: AdmissionRequest): Promise<Caller> => {
    if (wanted.limited) await countAnonymous(request);
    if (wanted.access === 'required') {
      throw new AppError(
        'unauthorized',
        'This needs a credential; send an API key as X-API-Key, or a token as Authorization: Bearer.',
      );
    }
    return {
      principal: null,
      namespace: parseNamespace(wanted.namespace) ?? DEFAULT_NAMESPACE,
      countUse: (times) => countAnonymous(request, times),
    };
  };

  return async (request, wanted) => {
    const principal = await authenticate(request, wanted);
    if (principal === null) return admitAnonymous(request, wanted);
    const { namespace } = principal;
    await countOwn(namespace);
    if (wanted.scope !== null) assertScope(principal, wanted.scope);
    const mayNameOther =
      wanted.otherNamespaces === 'everybody' || (wanted.otherNamespaces === 'admin' && principal.isAdmin);
    if (wanted.namespace !== undefined && !mayNameOther) {
      assertOwnNamespace(principal, parseNamespace(wanted.namespace));
    }
    return { principal, namespace, countUse: (times) => countOwn(namespace, times) };
  };
}

/** Key of the rate limiter for the requests of a namespace. */
export function rateKey(namespace: Namespace): string {
  return `ns:${namespace}`;
}

/**
 * Throws `forbidden` if the `namespace` of a query or body is neither absent nor that of the
 * credential. `name` identifies it in the message if there are several.
 */
export function assertOwnNamespace(
  principal: Principal,
  requested: Namespace | undefined,
  name?: string,
): void {
  if (requested === undefined || requested === principal.namespace) return;
  throw new AppError(
    'forbidden',
    `${name === undefined ? '' : `${name}: `}This credential belongs to namespace "${principal.namespace}" and cannot act in "${requested}".`,
  );
}

/** Parses a `namespace` of a query or body. Throws `invalid_request`. */
export function parseNamespace(value: unknown): Namespace | undefined {
  if (value === undefined) return undefined;
  return parseOrThrow(namespaceSchema, value, { code: 'invalid_request', name: () => 'namespace' });
}

function assertWithin({ allowed, retryAfterSeconds }: { allowed: boolean; retryAfterSeconds: number }): void {
  if (allowed) return;
  throw new AppError(
    'rate_limited',
    `Too many requests in this minute; try again in ${retryAfterSeconds} s.`,
    { retryAfter: retryAfterSeconds },
  );
}
