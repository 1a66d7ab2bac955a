import type { IncomingMessage, ServerResponse } from 'node:http';
import { HTTP_METHODS } from '../../contract/http-function.js';
import { AppError } from '../../errors.js';
import type { Exchange } from '../request/buffer-limits.js';
import { assertHost } from '../request/host-header.js';
import { toOriginForm } from '../request/request-target.js';
import { errorHeaders, toAppError } from '../response/to-app-error.js';
import { anonymous } from './anonymous.js';
import { applyCors } from './cors.js';
import { findFunction } from './find.js';
import type { FunctionsHandlerDeps } from './handler-deps.js';
import { invoke } from './invoke.js';
import { answersForAll, answersOptions } from './options.js';
import { markWithoutInvocation, writeJson } from './reply.js';
import { parseTarget } from './target.js';

export type FunctionsHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * Serves HTTP functions (contract §8): finds the function, checks method, credential and signature,
 * and only then queues an invocation.
 */
export function createFunctionsHandler(deps: FunctionsHandlerDeps): FunctionsHandler {
  return async (request, response) => {
    try {
      assertHost(request);
      toOriginForm(request);
      await serve(deps, { req: request, res: response });
    } catch (thrown) {
      answerError(deps, { req: request, res: response }, thrown);
    }
  };
}

async function serve(deps: FunctionsHandlerDeps, exchange: Exchange): Promise<void> {
  if (await answersForAll(deps, exchange)) return;
  const { req: request, res: response } = exchange;
  const target = parseTarget(request, deps.addressing);
  const method = HTTP_METHODS.find((each) => each === request.method) ?? null;
  const known = { catalog: deps.services.catalog, routes: deps.routes };
  const find = () =>
    findFunction(known, target, method, async () => {
      await deps.admit(request, anonymous(target));
    });
  const outcome = await find();
  if (await answersOptions(deps, exchange, target, method, outcome)) return;
  if (outcome.kind === 'other_methods') {
    await deps.admit(request, anonymous(target));
    response.setHeader('Allow', outcome.allowed.join(', '));
    throw new AppError(
      'method_not_allowed',
      `This address takes ${outcome.allowed.join(', ')}, not ${request.method}.`,
    );
  }
  const { found } = outcome;
  if (found.http.cors) applyCors(found.http.cors, request, response);
  await invoke(deps, exchange, target, { found, find });
}

function answerError(
  { services, buffers }: FunctionsHandlerDeps,
  { req: request, res: response }: Exchange,
  thrown: unknown,
): void {
  const where = { method: request.method ?? '', path: request.url ?? '' };
  const error = toAppError(thrown, services.logger, where);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.setHeaders(new Map(Object.entries(errorHeaders(error))));
  buffers.limitRest(request, response);
  const body: Record<string, unknown> = { error: error.message, code: error.code };
  if (error.requestId === undefined) markWithoutInvocation(response);
  else {
    // The invocation may have been accepted.
    response.setHeader('X-Request-ID', error.requestId);
    body.request_id = error.requestId;
  }
  writeJson(response, error.status, body, request.method !== 'HEAD');
}
