import { hash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { RequestId } from '../../contract/ids.js';
import { callerOf } from '../../core/auth/access.js';
import type { Principal } from '../../core/auth/principal.js';
import { assertFunction, assertScope } from '../../core/auth/rights.js';
import { depthOfRequest } from '../../core/invocations/call-depth.js';
import type { Accepted, InvokeRequest } from '../../core/invocations/invoke.js';
import type { Reply } from '../../core/invocations/reply.js';
import { httpStatusOf } from '../../core/invocations/reply-status.js';
import { AppError, isAppError } from '../../errors.js';
import { assertStillValid } from '../admission/credential-ends.js';
import type { Exchange } from '../request/buffer-limits.js';
import { readBody } from '../request/read-body.js';
import { onClientDisconnect } from '../response/client-disconnect.js';
import { keepPrivate } from '../response/keep-private.js';
import { authenticate } from './authenticate.js';
import { exchangeRequestOf } from './exchange-request.js';
import type { Found, FoundOrAllowed } from './find.js';
import type { FunctionsHandlerDeps } from './handler-deps.js';
import { requestKeyOf } from './idempotency-key.js';
import { writeJson, writeReply } from './reply.js';
import type { RequestTarget } from './target.js';
import { assertSignature } from './verify/assert-signature.js';
import type { SignedRequest } from './verify/signed-request.js';

/**
 * Response header with the matched route, sent to callers of the namespace only; empty for the
 * function's own address.
 */
const ROUTE_HEADER = 'X-Orama-Route';

/** Authenticates the caller, verifies the request, and has the function answer it. */
export async function invoke(
  deps: FunctionsHandlerDeps,
  exchange: Exchange,
  target: RequestTarget,
  { found: first, find }: { found: Found; find(): Promise<FoundOrAllowed> },
): Promise<void> {
  const { req: request, res: response } = exchange;
  const { services, buffers } = deps;
  const triggerDepth = depthOfRequest(services.depths, request);
  const { principal, hidden } = await authenticate(deps, request, target, first);
  if (principal !== null) {
    // Sent to callers of the namespace only, as it reveals the structure of the functions.
    response.setHeader(ROUTE_HEADER, first.route ?? '');
    keepPrivate(response);
  }
  const reservation = buffers.begin(request, response, principal?.namespace ?? null);
  const body = await readBody(request, first.http.max_body_kb * 1024, reservation);
  reservation?.releaseAfterRead();
  const found = reservation?.tookLong() ? await foundAgain(deps, principal, find) : first;
  const { http } = found;
  const signed: SignedRequest = { headers: request.headers, body, now: Date.now() };
  if (http.verify) await assertSignature(deps, found, signed);
  const described = exchangeRequestOf(request, target, found, { clients: deps.clients, hidden });
  const invocation = invocationOf(found, principal, signed, described);
  invocation.triggerDepth = triggerDepth;

  if (http.mode === 'async') {
    writeQueued(response, (await services.invoker.send(invocation)).id);
    return;
  }
  const { id, reply } = await services.invoker.call(invocation, {
    waitMs: services.config.SYNC_WAIT_SECONDS * 1000,
    onDisconnect: (giveUp) => onClientDisconnect(response, giveUp),
  });
  if (reply === null) writeQueued(response, id);
  else answer(deps, exchange, principal, { id, reply });
}

/**
 * Finds the function again after a body that may have taken minutes: the credential may have ended,
 * or the version that is called by now may demand more than the one that was found first.
 */
async function foundAgain(
  { services }: FunctionsHandlerDeps,
  principal: Principal | null,
  find: () => Promise<FoundOrAllowed>,
): Promise<Found> {
  await assertStillValid(services.auth, principal);
  const { kind, found } = await find();
  if (kind !== 'found') throw new AppError('not_found', 'There is no function at this address.');
  if (found.http.auth !== 'key') return found;
  if (principal === null) {
    throw new AppError('unauthorized', 'The function has been made private; send an API key as X-API-Key.');
  }
  assertScope(principal, 'invoke');
  assertFunction(principal, 'invoke', found.function.name);
  return found;
}

/** Header whose equal values choose equal versions; by default the sender's address does. */
const STICKY_HEADER = 'x-orama-sticky';

function invocationOf(
  found: Found,
  principal: Principal | null,
  signed: SignedRequest,
  described: ReturnType<typeof exchangeRequestOf>,
): InvokeRequest {
  const { http, function: fn } = found;
  const invocation: InvokeRequest = {
    namespace: fn.namespace,
    function: fn.name,
    input: signed.body,
    trigger: 'http',
    httpRequest: JSON.stringify(described),
  };
  if (found.version !== undefined) invocation.version = found.version;
  if (principal !== null && principal.wallet !== '') invocation.callerWallet = principal.wallet;
  const sticky = signed.headers[STICKY_HEADER]?.toString();
  const address = () => hash('sha256', described.remote_address);
  const key = requestKeyOf(found, signed);
  if (key !== null) {
    invocation.idempotencyKey = key.idempotencyKey;
    invocation.bodyMayChange = key.bodyMayChange;
    invocation.target = JSON.stringify([described.method, described.path, described.query]);
    const caller = http.verify ? 'verified' : callerOf(principal, fn.namespace, signed.headers);
    if (caller !== undefined) invocation.caller = caller;
  }
  invocation.sticky = sticky || (key?.idempotencyKey ?? address());
  return invocation;
}

function writeQueued(response: ServerResponse, id: RequestId): void {
  response.setHeader('X-Request-ID', id);
  writeJson(response, 202, { request_id: id, status: 'queued' });
}

function answer(
  { buffers }: FunctionsHandlerDeps,
  exchange: Exchange,
  principal: Principal | null,
  { id, reply }: Pick<Accepted, 'id'> & { reply: Reply },
): void {
  const { req: request, res: response } = exchange;
  const hasBody = request.method !== 'HEAD';
  try {
    buffers.holdReply(exchange, principal?.namespace ?? null, reply.output.byteLength);
  } catch (error) {
    if (!isAppError(error, 'rate_limited')) throw error;
    writeUnheld(exchange, error, { id, reply });
    return;
  }
  writeReply(response, id, reply, { hasBody });
}

/**
 * Methods whose requests may be repeated (RFC 9110 §9.2.1), of those that functions can have.
 */
const SAFE_METHODS: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Answers a request for whose reply there is no memory. The function has run: senders of webhooks
 * and proxies repeat a request after 429 and 5xx, but never after 202. An error of the function
 * stays one, without its body.
 */
function writeUnheld(
  { req: { method }, res: response }: Exchange,
  error: AppError,
  { id, reply }: Pick<Accepted, 'id'> & { reply: Reply },
): void {
  if (SAFE_METHODS.has(method)) {
    response.setHeader('X-Request-ID', id);
    response.setHeader('Retry-After', 1);
    const refusal = { error: error.message, code: error.code, request_id: id };
    writeJson(response, error.status, refusal, method !== 'HEAD');
  } else if (httpStatusOf(reply) >= 400) {
    writeReply(response, id, { ...reply, output: new Uint8Array() }, { hasBody: true });
  } else writeQueued(response, id);
}
