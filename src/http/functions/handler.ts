import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { HTTP_METHODS, type HttpMethod } from '../../contract/http-function.js';
import { DEFAULT_NAMESPACE } from '../../contract/ids.js';
import type { Principal } from '../../core/auth/principal.js';
import { assertFunction } from '../../core/auth/rights.js';
import { assertDepth, DEPTH_HEADER } from '../../core/call-depth.js';
import { type Catalog, functionNotFound } from '../../core/catalog.js';
import type { HttpRoutes } from '../../core/http-routes.js';
import type { InvokeRequest } from '../../core/invoke.js';
import { AppError } from '../../errors.js';
import type { Admission } from '../admission.js';
import type { BodyLimits } from '../body-limits.js';
import type { ClientAddresses } from '../client-address.js';
import { assertOneHost } from '../one-host.js';
import { readBody } from '../read-body.js';
import type { Services } from '../services.js';
import { toAppError } from '../to-app-error.js';
import { applyCors } from './cors.js';
import { engineCredential } from './engine-credential.js';
import { exchangeRequestOf } from './exchange-request.js';
import { type Found, type FoundOrAllowed, findFunction } from './find.js';
import { markWithoutInvocation, writeJson, writeReply } from './reply.js';
import { type Addressing, parseTarget, type Target } from './target.js';
import {
  eventIdOf,
  matchesSignature,
  type SignedRequest,
  secretNamesOf,
  signatureInvalid,
} from './verify/verify.js';

/** The store keeps keys up to this length; a longer one is hashed. */
const MAX_KEY_LENGTH = 255;

/** Tells a caller of the namespace which route matched; empty for the function's own address. */
const ROUTE_HEADER = 'X-Orama-Route';

export interface FunctionsHandlerDeps {
  services: Pick<Services, 'invoker' | 'secrets' | 'logger' | 'config' | 'auth' | 'depths'> & {
    catalog: Catalog;
  };
  routes: HttpRoutes;
  admit: Admission;
  clients: ClientAddresses;
  bodies: BodyLimits;
  addressing: Addressing;
}

export type FunctionsHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * Serves HTTP functions (contract §8): finds the function, checks method, credential and signature,
 * and only then makes the request an invocation. Nothing is queued for a request that is refused.
 */
export function createFunctionsHandler(deps: FunctionsHandlerDeps): FunctionsHandler {
  const { services } = deps;

  return async (request, response) => {
    try {
      assertOneHost(request);
      await serve(deps, request, response);
    } catch (thrown) {
      const where = { method: request.method ?? '', path: request.url ?? '' };
      const error = toAppError(thrown, services.logger, where);
      if (response.headersSent) {
        response.destroy();
        return;
      }
      if (error.retryAfter !== undefined) {
        response.setHeader('Retry-After', Math.max(1, Math.ceil(error.retryAfter)));
      }
      markWithoutInvocation(response);
      if (error.code === 'unauthorized') response.setHeader('WWW-Authenticate', 'Bearer realm="orama"');
      // The rest of its body is not waited for.
      if (error.code === 'request_timeout') response.setHeader('Connection', 'close');
      deps.bodies.limitRest(request, response);
      writeJson(
        response,
        error.status,
        { error: error.message, code: error.code },
        request.method !== 'HEAD',
      );
    }
  };
}

async function serve(
  deps: FunctionsHandlerDeps,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (await answersForAll(deps, request, response)) return;
  const target = parseTarget(request, deps.addressing);
  const method = HTTP_METHODS.find((each) => each === request.method) ?? null;
  const outcome = await findFunction({ catalog: deps.services.catalog, routes: deps.routes }, target, method);
  if (await answersOptions(deps, { request, response, method, target, outcome })) return;
  if (outcome.kind === 'other_methods') {
    await deps.admit(request, anonymous(target));
    response.setHeader('Allow', outcome.allowed.join(', '));
    throw new AppError(
      'method_not_allowed',
      `This address takes ${outcome.allowed.join(', ')}, not ${request.method}.`,
    );
  }
  const { found } = outcome;
  if (found.http.cors) await applyCors(found.http.cors, request, response);
  await invoke(deps, request, response, target, found);
}

/** `OPTIONS *` asks for the server as a whole: RFC 9110, section 9.3.7. */
async function answersForAll(
  deps: FunctionsHandlerDeps,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  if (request.method !== 'OPTIONS' || request.url !== '*') return false;
  await deps.admit(request, anonymous({ namespace: DEFAULT_NAMESPACE }));
  markWithoutInvocation(response);
  response.setHeader('Allow', HTTP_METHODS.join(', '));
  deps.bodies.limitRest(request, response);
  response.statusCode = 204;
  response.end();
  return true;
}

/**
 * OPTIONS is answered by the engine, a CORS preflight by the settings of the function that it is
 * for.
 */
async function answersOptions(
  deps: FunctionsHandlerDeps,
  {
    request,
    response,
    method,
    target,
    outcome,
  }: {
    request: IncomingMessage;
    response: ServerResponse;
    method: HttpMethod | null;
    target: Target;
    outcome: FoundOrAllowed;
  },
): Promise<boolean> {
  if (method !== 'OPTIONS' || outcome.kind === 'found') return false;
  await deps.admit(request, anonymous(target));
  markWithoutInvocation(response);
  response.setHeader('Allow', [...outcome.allowed, 'OPTIONS'].join(', '));
  const wanted = request.headers['access-control-request-method'];
  const preflighted = HTTP_METHODS.find((each) => each === wanted);
  const actual =
    preflighted === undefined
      ? outcome
      : await findFunction({ catalog: deps.services.catalog, routes: deps.routes }, target, preflighted);
  const { cors } = actual.found.http;
  if (cors && preflighted !== undefined && (await applyCors(cors, request, response))) return true;
  deps.bodies.limitRest(request, response);
  response.statusCode = 204;
  response.end();
  return true;
}

async function invoke(
  deps: FunctionsHandlerDeps,
  request: IncomingMessage,
  response: ServerResponse,
  target: Target,
  found: Found,
): Promise<void> {
  const { services } = deps;
  const { http, function: fn } = found;
  const depth = services.depths.read(request.headers[DEPTH_HEADER]);
  assertDepth(depth);
  const { principal, hidden } = await authenticate(deps, request, target, found);
  // For those who work on the functions; a stranger needs not know how they are laid out.
  if (principal !== null) response.setHeader(ROUTE_HEADER, found.route ?? '');
  const share = deps.bodies.begin(request, response, principal?.namespace ?? null);
  const body = await readBody(request, http.max_body_kb * 1024, share);
  share?.handedOver();
  const signed: SignedRequest = { headers: request.headers, body, now: Date.now() };
  if (http.verify) await verify(deps, found, signed);

  const exchange = exchangeRequestOf(request, target, found, { clients: deps.clients, hidden });
  const invocation: InvokeRequest = {
    namespace: fn.namespace,
    function: fn.name,
    input: body,
    trigger: 'http',
    triggerDepth: depth,
    httpRequest: JSON.stringify(exchange),
  };
  if (found.version !== undefined) invocation.version = found.version;
  if (principal !== null && principal.wallet !== '') invocation.callerWallet = principal.wallet;
  invocation.sticky = createHash('sha256').update(exchange.remote_address).digest('hex');
  const key = idempotencyKeyOf(found, signed);
  if (key !== null) {
    invocation.idempotencyKey = key;
    invocation.sticky = key;
  }

  if (http.mode === 'async') {
    const { id } = await services.invoker.send(invocation);
    response.setHeader('X-Request-ID', id);
    writeJson(response, 202, { request_id: id, status: 'queued' });
    return;
  }
  const { id, reply } = await services.invoker.call(invocation, {
    waitMs: services.config.SYNC_WAIT_SECONDS * 1000,
    whenGone: (giveUp) => whenClosed(response, giveUp),
  });
  if (reply) writeReply(response, id, reply, { hasBody: request.method !== 'HEAD' });
  else {
    response.setHeader('X-Request-ID', id);
    writeJson(response, 202, { request_id: id, status: 'queued' });
  }
}

/**
 * Who calls, as far as the function asks for it. The engine's own credentials never reach a
 * function.
 */
async function authenticate(
  { admit, services }: FunctionsHandlerDeps,
  request: IncomingMessage,
  target: Target,
  { http, function: fn }: Found,
): Promise<{ principal: Principal | null; hidden: ReadonlySet<string> }> {
  const needsKey = (http.auth ?? (fn.is_public ? 'none' : 'key')) === 'key';
  const { credential, headers: hidden } = await engineCredential(services.auth, request.headers);
  const { principal } = await admit(request, {
    access: needsKey ? 'required' : 'optional',
    // What is open to anybody is open to any key.
    scope: needsKey ? 'invoke' : null,
    credential,
    namespace: undefined,
    anyNamespace: true,
    limited: true,
  });
  if (needsKey && principal?.namespace !== target.namespace) {
    // To another namespace's credential the function does not exist.
    throw functionNotFound(fn.namespace, fn.name);
  }
  if (needsKey) assertFunction(principal, 'invoke', fn.name);
  return { principal: principal?.namespace === target.namespace ? principal : null, hidden };
}

async function verify(
  { services }: FunctionsHandlerDeps,
  { http, function: fn }: Found,
  signed: SignedRequest,
): Promise<void> {
  const settings = http.verify;
  if (!settings) return;
  const names = secretNamesOf(settings);
  const secrets = await Promise.all(names.map((name) => services.secrets.read(fn.namespace, name)));
  const known = secrets.filter((secret): secret is string => secret !== null && secret !== '');
  if (known.length === 0) {
    services.logger.warn(
      { namespace: fn.namespace, function: fn.name, secrets: names },
      'requests of an HTTP function cannot be verified: no such secret is set',
    );
    throw new AppError(
      'misconfigured',
      `The function cannot verify requests: its namespace has no secret ${names.map((name) => `"${name}"`).join(' or ')}.`,
    );
  }
  // All are tried, whichever matches: how long it takes does not tell which one did.
  const matched = known.filter((secret) => matchesSignature(settings, secret, signed));
  if (matched.length === 0) throw signatureInvalid(settings.scheme);
}

/**
 * The sender's id of the event, so that its retries are one invocation. A signed request without
 * one is known by its signature, which covers a timestamp: sent again by somebody who has overheard
 * it, it runs nothing.
 */
function idempotencyKeyOf({ http }: Found, signed: SignedRequest): string | null {
  const own = http.idempotency === undefined ? undefined : signed.headers[http.idempotency.toLowerCase()];
  const id = own?.toString() || (http.verify ? eventIdOf(http.verify, signed) : null);
  const key =
    id ??
    (http.verify?.scheme === 'slack' ? (signed.headers['x-slack-signature']?.toString() ?? null) : null);
  if (key === null || key.length <= MAX_KEY_LENGTH) return key;
  return createHash('sha256').update(key).digest('hex');
}

function anonymous({ namespace }: Pick<Target, 'namespace'>) {
  return {
    access: 'open',
    scope: null,
    credential: null,
    namespace,
    anyNamespace: true,
    limited: true,
  } as const;
}

/**
 * Calls `then` when the client goes away before its reply is written. Returns what takes that back.
 */
function whenClosed(response: ServerResponse, then: () => void): () => void {
  const closed = () => {
    if (!response.writableFinished) then();
  };
  if (response.destroyed) then();
  else response.once('close', closed);
  return () => response.off('close', closed);
}
