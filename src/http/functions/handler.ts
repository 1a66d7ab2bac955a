import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { HTTP_METHODS, type HttpMethod } from '../../contract/http-function.js';
import { DEFAULT_NAMESPACE } from '../../contract/ids.js';
import { callerOf } from '../../core/access.js';
import type { Principal } from '../../core/auth/principal.js';
import { assertFunction } from '../../core/auth/rights.js';
import { assertDepth, DEPTH_HEADER } from '../../core/call-depth.js';
import { type Catalog, functionNotFound } from '../../core/catalog.js';
import type { HttpRoutes } from '../../core/http-routes.js';
import type { InvokeRequest } from '../../core/invoke.js';
import { AppError, isAppError } from '../../errors.js';
import type { Admission } from '../admission.js';
import type { BodyLimits } from '../body-limits.js';
import type { ClientAddresses } from '../client-address.js';
import { onClientDisconnect } from '../client-disconnect.js';
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

/** Maximum key length in the store; longer keys are hashed. */
const MAX_KEY_LENGTH = 255;

/**
 * Response header with the matched route, sent to callers of the namespace only; empty for the
 * function's own address.
 */
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
 * and only then queues an invocation.
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
      // Do not wait for the rest of the body.
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

/** `OPTIONS *` refers to the server as a whole (RFC 9110 §9.3.7). */
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

/** Answers OPTIONS requests; CORS preflights according to the function's settings. */
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
  // Sent to callers of the namespace only, as it reveals the structure of the functions.
  if (principal !== null) response.setHeader(ROUTE_HEADER, found.route ?? '');
  const share = deps.bodies.begin(request, response, principal?.namespace ?? null);
  const body = await readBody(request, http.max_body_kb * 1024, share);
  share?.releaseAfterRead();
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
    const caller = http.verify ? 'verified' : callerOf(principal, fn.namespace, request.headers);
    if (caller !== undefined) invocation.caller = caller;
  }

  if (http.mode === 'async') {
    const { id } = await services.invoker.send(invocation);
    response.setHeader('X-Request-ID', id);
    writeJson(response, 202, { request_id: id, status: 'queued' });
    return;
  }
  const { id, reply } = await services.invoker.call(invocation, {
    waitMs: services.config.SYNC_WAIT_SECONDS * 1000,
    onDisconnect: (giveUp) => onClientDisconnect(response, giveUp),
  });
  const hasBody = request.method !== 'HEAD';
  if (reply) {
    try {
      deps.bodies.holdReply(
        { req: request, res: response },
        principal?.namespace ?? null,
        reply.output.byteLength,
      );
    } catch (error) {
      if (!isAppError(error, 'rate_limited')) throw error;
      response.setHeader('X-Request-ID', id);
      response.setHeader('Retry-After', 1);
      writeJson(response, error.status, { error: error.message, code: error.code, request_id: id }, hasBody);
      return;
    }
    writeReply(response, id, reply, { hasBody });
  } else {
    response.setHeader('X-Request-ID', id);
    writeJson(response, 202, { request_id: id, status: 'queued' });
  }
}

/**
 * Authenticates the caller if the function requires it, and determines the headers to hide. The
 * engine's own credentials are never passed to a function.
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
    access: needsKey ? 'required' : 'anybody',
    // A public function accepts any key.
    scope: needsKey ? 'invoke' : null,
    credential,
    namespace: undefined,
    anyNamespace: true,
    limited: true,
  });
  if (needsKey && principal?.namespace !== target.namespace) {
    // For a credential of another namespace, the function does not exist.
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
  const known = await services.secrets.signing(fn.namespace, names);
  if (known.length === 0) {
    services.logger.warn(
      { namespace: fn.namespace, function: fn.name, secrets: names },
      'signatures of an HTTP function cannot be verified: the secret is not set',
    );
    throw new AppError(
      'misconfigured',
      `The function cannot verify requests: its namespace has no secret ${names.map((name) => `"${name}"`).join(' or ')}.`,
    );
  }
  // Checks all secrets even after a match, so that the duration does not reveal which one matched.
  const matched = known.filter((secret) => matchesSignature(settings, secret, signed));
  if (matched.length === 0) throw signatureInvalid(settings.scheme);
}

/**
 * Returns the sender's event id as the idempotency key, so that retries of the sender start one
 * invocation. For Slack, whose requests may have no id, the signature is used: it covers a
 * timestamp, so a replayed request has no effect.
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
