import type { Context } from 'koa';
import * as z from 'zod';
import { parseFunctionRef } from '../contract/function-ref.js';
import { requestIdSchema } from '../contract/ids.js';
import { MB } from '../contract/limits.js';
import { parseOrThrow } from '../contract/parse-or-throw.js';
import { FUNCTION_SCOPES } from '../contract/scopes.js';
import type { Actor, Principal } from '../core/auth/principal.js';
import { assertFunction } from '../core/auth/rights.js';
import { AppError } from '../errors.js';
import { uuidv7 } from '../uuid.js';
import type { Admission, Caller } from './admission/admission.js';
import { credentialOf } from './admission/credential.js';
import { assertStillValid } from './admission/credential-ends.js';
import { bodyNamespace } from './request/body-namespace.js';
import type { BodyReservation, BufferLimits } from './request/buffer-limits.js';
import { readForm } from './request/multipart.js';
import { readJson } from './request/parse-json.js';
import { readBody } from './request/read-body.js';
import { type TextReader, textReader } from './request/read-text.js';
import { keepPrivate } from './response/keep-private.js';
import type { LargeReplies } from './response/large-replies.js';
import { send } from './response/send.js';
import type { BodySpec, Route } from './route.js';
import type { SendToFunctions } from './send-to-functions.js';
import type { Services } from './services.js';

const MAX_JSON_BYTES = MB;

/** Dependencies of all routes. */
export interface Serving {
  services: Services;
  admit: Admission;
  buffers: BufferLimits;
  largeReplies: LargeReplies;
  sendToFunctions: SendToFunctions;
  /** Aborted when the server stops. */
  stopping: AbortSignal;
}

/**
 * Returns the middleware of one route: authenticates, parses the input by the route's schemas,
 * calls the handler and sends its answer.
 */
export function dispatch(route: Route, serving: Serving) {
  const readParams = readerOf(route.params);
  const readQuery = readerOf(route.query);
  const readHeaders = readerOf(route.headers);
  const { access, scope, otherNamespaces = 'nobody', limited = true } = route;
  const bodySpec = route.body ?? (takesNoBody(route) ? NO_BODY : undefined);
  const readBodyOf = bodySpec === undefined ? null : bodyReader(bodySpec);
  // A function name in the path is checked here; otherwise the handler checks which functions are
  // concerned.
  const isOfFunction = scope !== null && FUNCTION_SCOPES.has(scope) && route.params?.shape.name !== undefined;

  return async (ctx: Context): Promise<void> => {
    if (route.refusal) ctx.state.refusal = route.refusal;
    ctx.state.route = route.path;
    // Also before the credential is checked: a 401 or 404 is for this caller.
    if (access !== 'open' && route.method === 'GET') keepPrivate(ctx.res);
    const query = ctx.querystring === '' ? NOTHING : ctx.query;
    const caller = await serving.admit(ctx.req, {
      access,
      scope,
      credential: access === 'open' ? null : credentialOf(ctx.req.headers),
      namespace: query.namespace,
      otherNamespaces,
      limited,
    });
    const params = readParams(ctx.params);
    if (isOfFunction && caller.principal?.rights.functions) {
      assertFunction(caller.principal, scope, parseFunctionRef(String(params.name)).name);
    }
    const input = { params, query: readQuery(query), headers: readHeaders(ctx.req.headers) };
    const call = newCall(serving, ctx, caller, input);
    if (route.authorize) await route.authorize(call);
    const reservation = readBodyOf === null ? null : await readInto(call, route, readBodyOf, serving);
    const handle = () => answer(call, route, serving);
    if (reservation === null || route.body?.isQueued) await handle();
    else await reservation.holdWhile(handle);
  };
}

/** What a handler is called with, before its types are known: see `Call`. */
type UntypedCall = ReturnType<typeof newCall>;

/** What is known of a request's input before its body is read. */
interface HeadInput {
  params: Record<string, unknown>;
  query: Record<string, unknown>;
  headers: Record<string, unknown>;
}

/**
 * Creates the call of a request, without its body, which is read once the request is authorized.
 */
function newCall(
  { services, buffers, largeReplies, sendToFunctions, stopping }: Serving,
  ctx: Context,
  { principal, namespace, countUse }: Caller,
  { params, query, headers }: HeadInput,
) {
  return {
    services,
    largeReplies,
    sendToFunctions,
    stopping,
    ctx,
    principal,
    namespace,
    countUse,
    readReply<T>(bytes: number, read: () => Promise<T>): Promise<T> {
      // Nothing would account what is read for a client that has disconnected.
      if (ctx.res.destroyed) throw new AppError('unavailable', 'The client has disconnected.');
      return buffers.readReply(ctx, principal?.namespace ?? null, bytes, read);
    },
    streamReservation: () => buffers.streamReservation(namespace),
    actor: () => actorOf(ctx, principal),
    params,
    query,
    headers,
    body: undefined as unknown,
    bodyText: '',
  };
}

/** Reads the body of a request. Resolves with the reservation of the memory that it takes. */
async function readInto(
  call: UntypedCall,
  route: Route,
  readBodyOf: BodyReader,
  { services, buffers }: Serving,
): Promise<BodyReservation | null> {
  const { ctx, principal } = call;
  const reservation = buffers.begin(ctx.req, ctx.res, principal?.namespace ?? null);
  const { body, bodyText } = await readBodyOf(ctx, reservation, principal);
  call.body = body;
  call.bodyText = bodyText;
  if (route.body?.isQueued) reservation?.releaseAfterRead();
  if (reservation?.tookLong()) {
    await assertStillValid(services.auth, principal);
    if (route.authorize) await route.authorize(call);
  }
  return reservation;
}

/** Calls the handler and sends its answer. */
function answer(call: UntypedCall, route: Route, { buffers, largeReplies }: Serving): Promise<void> {
  const { ctx, principal, namespace } = call;
  const sendAnswer = async () =>
    send(ctx, await route.handle(call), {
      hot: route.hot ?? false,
      isRead: route.method === 'GET' || route.isRead === true,
      hold: (bytes) => buffers.holdReply(ctx, principal?.namespace ?? null, bytes),
      // Anonymous callers may name any namespace.
      compress: (text) => largeReplies.compress(principal?.namespace ?? '', text),
    });
  return route.list ? largeReplies.list(namespace, sendAnswer) : sendAnswer();
}

/**
 * The body of a request that changes something by a route without fields. It is read nevertheless:
 * a field that has no effect here, for example one that belongs into the query, is refused.
 */
const NO_BODY: BodySpec = { kind: 'json', schema: z.strictObject({}), example: {}, optional: true };

function takesNoBody({ method, ignoresBody }: Route): boolean {
  return method !== 'GET' && ignoresBody !== true;
}

const NOTHING: Record<string, never> = {};

/** The parsed body and, for routes that keep it, the text of JSON. */
interface Body {
  body: unknown;
  bodyText: string;
}

function readerOf(schema: z.ZodObject | undefined): TextReader<Record<string, unknown>> {
  return schema ? textReader(schema) : () => NOTHING;
}

/** Creates the actor of an audited change. Called lazily, as most requests are not audited. */
function actorOf(ctx: Context, principal: Principal | null): Actor {
  if (principal === null)
    throw new AppError('internal', `${ctx.path} is audited, but accepts anonymous requests.`);
  const given = ctx.get('x-request-id').toLowerCase();
  const requestId = requestIdSchema.safeParse(given).data ?? uuidv7();
  ctx.set('X-Request-ID', requestId);
  return { principal, requestId };
}

type BodyReader = (
  ctx: Context,
  reservation: BodyReservation | null,
  principal: Principal | null,
) => Promise<Body>;

function bodyReader(spec: BodySpec): BodyReader {
  switch (spec.kind) {
    case 'raw':
      return async (ctx, reservation) => ({
        body: await readBody(ctx.req, spec.maxBytes, reservation),
        bodyText: '',
      });
    case 'multipart': {
      const withoutNamespace = bodyNamespace(spec.fields);
      const form = { ...spec, fields: [...Object.keys(spec.fields.shape), 'namespace'] };
      return async (ctx, reservation, principal) => {
        assertNotEncoded(ctx);
        const { file, fields } = await readForm(ctx, form, reservation);
        return { body: { file, fields: withoutNamespace(fields, principal) }, bodyText: '' };
      };
    }
    case 'json': {
      const withoutNamespace = bodyNamespace(spec.schema);
      return async (ctx, reservation, principal) => {
        assertNotEncoded(ctx);
        const bytes = await readBody(ctx.req, spec.maxBytes ?? MAX_JSON_BYTES, reservation);
        const isLeftOut = bytes.byteLength === 0 && spec.optional === true;
        const { value, text } = isLeftOut ? { value: {}, text: '' } : readJson(bytes, spec.exactIntegers);
        const own = withoutNamespace(value, principal);
        const body = parseOrThrow(spec.schema, own, { code: 'invalid_request' });
        return { body, bodyText: spec.keepsText ? text : '' };
      };
    }
  }
}

function assertNotEncoded(ctx: Context): void {
  const encoding = ctx.get('content-encoding');
  if (encoding === '' || encoding.toLowerCase() === 'identity') return;
  throw new AppError(
    'unsupported_media_type',
    `The body is sent with "Content-Encoding: ${encoding.slice(0, 80)}"; send it as it is, without compression.`,
  );
}
