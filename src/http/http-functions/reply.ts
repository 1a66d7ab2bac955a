import { isUtf8 } from 'node:buffer';
import type { ServerResponse } from 'node:http';
import { decodeResponse, type HttpExchangeResponse } from '../../contract/http-exchange.js';
import type { RequestId } from '../../contract/ids.js';
import { RETRY_AFTER_SECONDS } from '../../contract/quotas.js';
import type { Reply } from '../../core/invocations/reply.js';
import { httpStatusOf } from '../../core/invocations/reply-status.js';
import { uuidv7 } from '../../uuid.js';

/** Statuses without a body (RFC 9110 §15.3.5, §15.3.6, §15.4.5). */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * Response header with the invocation's id; `none` for responses of the engine without an
 * invocation. Functions cannot set it.
 */
export const INVOCATION_HEADER = 'X-Orama-Invocation';

/** Sets an id for a response without an invocation, by which the client can report it. */
export function markWithoutInvocation(response: ServerResponse): void {
  response.setHeader('X-Request-ID', uuidv7());
  response.setHeader(INVOCATION_HEADER, 'none');
}

/** Writes the response of a function. `hasBody` is false for HEAD. */
export function writeReply(
  response: ServerResponse,
  id: RequestId,
  reply: Reply,
  { hasBody }: { hasBody: boolean },
): void {
  response.setHeader('X-Request-ID', id);
  const own = decodeResponse(reply.response);
  const status = httpStatusOf(reply);
  if (reply.code !== undefined) response.setHeader('Retry-After', RETRY_AFTER_SECONDS);
  if (own.kind === 'set') writeOwn(response, own.response, reply.output, hasBody);
  else if (own.kind === 'invalid') {
    const failure = { error: 'the function set an invalid reply', code: 'invalid_reply' };
    writeJson(response, status, { ...failure, request_id: id }, hasBody);
  } else if (reply.status === 'success') {
    writeOwn(response, { status, headers: {} }, reply.output, hasBody);
  } else writeJson(response, status, { ...failureOf(reply), request_id: id }, hasBody);
}

function writeOwn(
  response: ServerResponse,
  { status, headers }: HttpExchangeResponse,
  body: Uint8Array,
  hasBody: boolean,
): void {
  for (const [name, value] of Object.entries(headers)) {
    // Append, so that caches still distinguish the origins that the CORS settings distinguish.
    if (name.toLowerCase() === 'vary') response.appendHeader(name, value);
    else response.setHeader(name, value);
  }
  response.statusCode = status;
  if (BODILESS.has(status)) {
    response.end();
    return;
  }
  if (body.byteLength > 0 && !response.hasHeader('content-type')) {
    response.setHeader('Content-Type', typeOf(body));
  }
  response.setHeader('Content-Length', body.byteLength);
  response.end(hasBody ? body : undefined);
}

export function writeJson(response: ServerResponse, status: number, value: unknown, hasBody = true): void {
  const body = JSON.stringify(value);
  response.statusCode = status;
  response.setHeader('Content-Type', 'application/json');
  response.setHeader('Content-Length', Buffer.byteLength(body));
  response.end(hasBody ? body : undefined);
}

/**
 * Returns the public error of a failed invocation, which never contains the function's own error
 * text.
 */
function failureOf({ status, inputRefused, code }: Reply): { error: string; code: string } {
  if (code === 'unavailable') return { error: 'the function is unavailable', code };
  if (code === 'quota_exceeded') return { error: 'the function has too many calls; try again later', code };
  if (status === 'timeout') return { error: 'the function timed out', code: 'function_timeout' };
  if (status === 'cancelled') return { error: 'the invocation was cancelled', code: 'cancelled' };
  if (code !== undefined) return { error: 'the function failed', code };
  if (inputRefused) return { error: 'the function refused the request', code: 'function_refused' };
  return { error: 'the function failed', code: 'function_error' };
}

/** Returns the content type of a body for which the function has set none. */
function typeOf(body: Uint8Array): string {
  if (!isUtf8(body)) return 'application/octet-stream';
  return isJson(body) ? 'application/json' : 'text/plain; charset=utf-8';
}

function isJson(body: Uint8Array): boolean {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  // Most bodies that are not JSON can be ruled out by their first character, without parsing.
  if (!/^\s*[[{"\d\-tfn]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
