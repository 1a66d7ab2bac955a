import { HTTP_METHODS, type HttpMethod } from '../../contract/http-function.js';
import { DEFAULT_NAMESPACE } from '../../contract/ids.js';
import type { Exchange } from '../request/buffer-limits.js';
import { anonymous } from './anonymous.js';
import { applyCors } from './cors.js';
import { type FoundOrAllowed, findFunction } from './find.js';
import type { FunctionsHandlerDeps } from './handler-deps.js';
import { markWithoutInvocation } from './reply.js';
import type { RequestTarget } from './target.js';

/** `OPTIONS *` refers to the server as a whole (RFC 9110 §9.3.7). */
export async function answersForAll(
  deps: FunctionsHandlerDeps,
  { req: request, res: response }: Exchange,
): Promise<boolean> {
  if (request.method !== 'OPTIONS' || request.url !== '*') return false;
  await deps.admit(request, anonymous({ namespace: DEFAULT_NAMESPACE }));
  markWithoutInvocation(response);
  response.setHeader('Allow', HTTP_METHODS.join(', '));
  deps.buffers.limitRest(request, response);
  response.statusCode = 204;
  response.end();
  return true;
}

/** Answers OPTIONS requests; CORS preflights according to the function's settings. */
export async function answersOptions(
  deps: FunctionsHandlerDeps,
  { req: request, res: response }: Exchange,
  target: RequestTarget,
  method: HttpMethod | null,
  outcome: FoundOrAllowed,
): Promise<boolean> {
  if (method !== 'OPTIONS' || outcome.kind === 'found') return false;
  await deps.admit(request, anonymous(target));
  markWithoutInvocation(response);
  response.setHeader('Allow', [...outcome.allowed, 'OPTIONS'].join(', '));
  const wanted = request.headers['access-control-request-method'];
  const preflighted = HTTP_METHODS.find((each) => each === wanted);
  const known = { catalog: deps.services.catalog, routes: deps.routes };
  const actual =
    preflighted === undefined
      ? outcome
      : // The request has already been counted.
        await findFunction(known, target, preflighted, async () => undefined);
  const { cors } = actual.found.http;
  if (cors && preflighted !== undefined) applyCors(cors, request, response);
  deps.buffers.limitRest(request, response);
  response.statusCode = 204;
  response.end();
  return true;
}
