import type { Context } from 'koa';
import * as z from 'zod';
import { functionRefSchema, parseFunctionRef } from '../../contract/function-ref.js';
import { functionRefPath } from '../../contract/http/common.js';
import {
  acceptedReplySchema,
  invokeFailureSchema,
  invokeHeadersSchema,
  invokeQuerySchema,
  invokeReplySchema,
  parsePrefer,
} from '../../contract/http/invoke.js';
import { type Namespace, namespaceSchema, requestIdSchema } from '../../contract/ids.js';
import { MAX_INPUT_BYTES } from '../../contract/limits.js';
import { assertMayInvoke, callerOf, type FunctionRef } from '../../core/auth/access.js';
import type { Principal } from '../../core/auth/principal.js';
import { depthOfRequest } from '../../core/invocations/call-depth.js';
import type { InvokeRequest } from '../../core/invocations/invoke.js';
import { AppError } from '../../errors.js';
import { uuidv7 } from '../../uuid.js';
import { onClientDisconnect } from '../response/client-disconnect.js';
import { acceptedResponse, replyResponse } from '../response/invoke-response.js';
import { audienceOf } from '../response/outcome.js';
import { type BodySpec, type ResponseSpec, type RouteResponse, routeUsing } from '../route.js';
import type { Services } from '../services.js';
import { startServerSpan, withSpan } from '../trace.js';

const route = routeUsing<'catalog' | 'config' | 'depths' | 'functionsUrl' | 'invoker' | 'tracer'>();

const tag = 'Invocation';

const input = {
  kind: 'raw',
  maxBytes: MAX_INPUT_BYTES,
  description: "The function's stdin.",
  example: '{"name":"Ada"}',
  isQueued: true,
} satisfies BodySpec;

const headers = {
  'X-Request-ID': 'The id of the invocation.',
  'X-Duration-Ms': 'How long the last attempt ran.',
  'X-Attempts': 'How many attempts it took.',
  'X-Function-Version': 'The version that ran.',
};

const responses: Record<number, ResponseSpec> = {
  200: {
    description:
      'Output that begins with `{` or `[` is returned unchanged; other output is wrapped in JSON. With `Accept: application/octet-stream`, the raw bytes.',
    schema: z.union([invokeReplySchema, z.unknown().describe("The function's own JSON.")]),
    types: { 'application/octet-stream': 'The unchanged output.' },
    headers,
  },
  202: {
    description: 'Accepted and durable; also a sync call for whose reply there is no memory.',
    schema: acceptedReplySchema,
    headers: { Location: 'URL of the invocation.', 'X-Request-ID': headers['X-Request-ID'] },
  },
  422: {
    description: 'The function refused its input: it ended with an exit code from 64 to 78.',
    schema: invokeFailureSchema,
  },
  499: { description: 'The invocation was cancelled.', schema: invokeFailureSchema },
  500: { description: 'The function failed, including all retries.', schema: invokeFailureSchema },
  504: {
    description: 'The function exceeded its timeout, including all retries.',
    schema: invokeFailureSchema,
  },
};

const errors = [
  'function_not_found',
  'unauthorized',
  'forbidden',
  'payload_too_large',
  'egress_refused',
  'idempotency_mismatch',
  'conflict',
  'queue_full',
  'quota_exceeded',
  'loop_detected',
  'unavailable',
] as const;

export const invokeFunction = route({
  operationId: 'invokeFunction',
  method: 'POST',
  path: '/v1/functions/{name}/invoke',
  tag,
  summary: 'Invoke a function, or one version as name@version',
  access: 'optional',
  scope: 'invoke',
  params: functionRefPath,
  query: invokeQuerySchema,
  headers: invokeHeadersSchema,
  body: input,
  responses,
  errors,
  hot: true,
  refusal,
  authorize: (call) => authorize(call, { namespace: call.namespace, ...parseFunctionRef(call.params.name) }),
  handle: (call) => invoke(call, { namespace: call.namespace, ...parseFunctionRef(call.params.name) }),
});

export const invokeOfNamespace = route({
  operationId: 'invokeFunctionOfNamespace',
  method: 'POST',
  path: '/v1/invoke/{namespace}/{name}',
  tag,
  summary: "Invoke a function of any namespace, if it is public or the credential's own",
  access: 'optional',
  scope: 'invoke',
  otherNamespaces: 'everybody',
  params: functionRefPath.extend({ namespace: namespaceSchema, name: functionRefSchema }),
  query: z.object({
    namespace: namespaceSchema.optional().describe('If given, the same as in the path.'),
  }),
  headers: invokeHeadersSchema,
  body: input,
  responses,
  errors,
  hot: true,
  refusal,
  authorize: (call) => {
    const { params, query } = call;
    assertSameNamespace(params.namespace, query.namespace);
    return authorize(call, { namespace: params.namespace, ...parseFunctionRef(params.name) });
  },
  handle: (call) => invoke(call, { namespace: call.params.namespace, ...parseFunctionRef(call.params.name) }),
});

type Headers = z.output<typeof invokeHeadersSchema>;

/** What both routes know of a call. */
interface InvokeCall<U extends keyof Services> {
  services: Pick<Services, U>;
  ctx: Context;
  principal: Principal | null;
  headers: Headers;
  body: Uint8Array;
}

/**
 * Checks that the function exists and may be invoked with these headers, before the body is read.
 */
async function authorize(
  { services, principal, headers }: Omit<InvokeCall<'catalog' | 'functionsUrl'>, 'body'>,
  ref: FunctionRef,
): Promise<void> {
  await assertMayInvoke(services, principal, ref);
  await services.catalog.candidates(ref.namespace, ref.name, ref.version);
  if (principal?.namespace !== ref.namespace) assertForAnybody(headers, principal, ref.namespace);
  if (parsePrefer(headers.prefer).kind === 'final') assertSync(headers);
}

async function invoke(
  call: InvokeCall<'config' | 'depths' | 'invoker' | 'tracer'>,
  ref: FunctionRef,
): Promise<RouteResponse> {
  const { services, ctx, principal, headers: given, body } = call;
  const preference = parsePrefer(given.prefer);
  const request: InvokeRequest = {
    namespace: ref.namespace,
    function: ref.name,
    input: body,
    trigger: preference.kind === 'async' ? 'async' : 'http',
    triggerDepth: depthOfRequest(services.depths, ctx.req),
  };
  if (ref.version !== undefined) request.version = ref.version;
  if (principal && principal.wallet !== '') request.callerWallet = principal.wallet;
  const ownId = given['x-request-id']?.toLowerCase();
  if (ownId !== undefined) request.requestId = requestIdSchema.parse(ownId);
  if (given['idempotency-key'] !== undefined) {
    request.idempotencyKey = given['idempotency-key'];
    const caller = callerOf(principal, ref.namespace);
    if (caller !== undefined) request.caller = caller;
  }
  if (given['x-orama-sticky'] !== undefined) request.sticky = given['x-orama-sticky'];
  if (given['x-delay-seconds'] !== undefined) request.delayMs = given['x-delay-seconds'] * 1000;
  if (given['x-max-age-seconds'] !== undefined) request.maxAgeMs = given['x-max-age-seconds'] * 1000;
  if (given['x-callback-url'] !== undefined) request.callbackUrl = given['x-callback-url'];
  const span = startServerSpan(services.tracer, ctx, `invoke ${ref.name}`);
  if (span.traceparent !== undefined) request.traceparent = span.traceparent;
  return withSpan(span, () => run(call, request, preference));
}

async function run(
  { services, ctx, principal }: InvokeCall<'config' | 'invoker'>,
  request: InvokeRequest,
  preference: ReturnType<typeof parsePrefer>,
): Promise<RouteResponse> {
  if (preference.kind === 'async') return acceptedResponse(await services.invoker.send(request));
  const longest = services.config.SYNC_WAIT_SECONDS;
  const seconds = preference.kind === 'wait' ? Math.min(preference.seconds, longest) : longest;
  const called = await services.invoker.call(request, {
    waitMs: seconds * 1000,
    onDisconnect: (giveUp) => onClientDisconnect(ctx.res, giveUp),
  });
  const { reply } = called;
  if (reply === null) return acceptedResponse(called);
  const response = replyResponse(called, reply, {
    accept: ctx.get('accept'),
    audience: audienceOf(principal, request.namespace),
  });
  response.ended = called;
  return response;
}

function assertSameNamespace(path: Namespace, query: Namespace | undefined): void {
  if (query === undefined || query === path) return;
  throw new AppError(
    'forbidden',
    `The path names namespace "${path}" and the query "${query}"; leave "namespace" out of the query.`,
  );
}

/**
 * Throws for headers that only callers of the function's own namespace may use, also if the
 * function is public: results would be sent in its name, signed with its secret, and delayed work
 * would count against its quota.
 */
function assertForAnybody(given: Headers, principal: Principal | null, namespace: Namespace): void {
  const name = asyncHeaderOf(given);
  if (name === null) return;
  if (principal === null) {
    throw new AppError(
      'unauthorized',
      `${name} needs a credential, also with a public function; send an API key as X-API-Key, or leave ${name} out.`,
    );
  }
  throw new AppError(
    'forbidden',
    `${name} needs a credential of namespace "${namespace}", also with a public function, and this one belongs to "${principal.namespace}"; leave ${name} out.`,
  );
}

/**
 * Returns the name of a header that applies only to async calls, also if its value changes nothing.
 */
function asyncHeaderOf(given: Headers): string | null {
  if (given['x-callback-url'] !== undefined) return 'X-Callback-Url';
  return given['x-delay-seconds'] === undefined ? null : 'X-Delay-Seconds';
}

function assertSync(given: Headers): void {
  const name = asyncHeaderOf(given);
  if (name === null) return;
  throw new AppError(
    'invalid_request',
    `${name} applies only to async calls; send "Prefer: respond-async" with it.`,
  );
}

/**
 * Returns the additional fields of a refused call, which then has the same fields as a failed one,
 * with an id for reports: that of the invocation if it may have been accepted.
 */
function refusal(ctx: Context, { requestId: id = uuidv7() }: AppError): Record<string, unknown> {
  ctx.set('X-Request-ID', id);
  return { request_id: id, status: 'error', duration_ms: 0 };
}
