import { isUtf8 } from 'node:buffer';
import type { ServerResponse } from 'node:http';
import type { HttpExchangeResponse } from '../../contract/http-exchange.js';
import type { RequestId } from '../../contract/ids.js';
import type { Reply } from '../../core/replies.js';

/** Statuses that have no body: RFC 9110, sections 15.3.5 and 15.4.5. */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304]);

/** Writes what a function answered. `hasBody`: false for HEAD. */
export function writeReply(
  response: ServerResponse,
  id: RequestId,
  reply: Reply,
  { hasBody }: { hasBody: boolean },
): void {
  response.setHeader('X-Request-ID', id);
  if (reply.response !== undefined) {
    const own = JSON.parse(reply.response) as HttpExchangeResponse | null;
    if (own !== null) writeOwn(response, own, reply.output, hasBody);
    else writeJson(response, 502, { error: 'the function set an invalid reply', request_id: id }, hasBody);
  } else if (reply.status === 'success') {
    const status = reply.output.byteLength === 0 ? 204 : 200;
    writeOwn(response, { status, headers: {} }, reply.output, hasBody);
  } else {
    const { status, error, code } = failureOf(reply);
    writeJson(response, status, { error, code, request_id: id }, hasBody);
  }
}

function writeOwn(
  response: ServerResponse,
  { status, headers }: HttpExchangeResponse,
  body: Uint8Array,
  hasBody: boolean,
): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
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

/** What a stranger is told of a failure: never the function's own error text. */
function failureOf({ status, refused, code }: Reply): { status: number; error: string; code: string } {
  if (code === 'unavailable') return { status: 503, error: 'the function is unavailable', code };
  if (status === 'timeout') return { status: 504, error: 'the function timed out', code: 'function_timeout' };
  if (status === 'cancelled')
    return { status: 499, error: 'the invocation was cancelled', code: 'cancelled' };
  if (refused) return { status: 422, error: 'the function refused the request', code: 'function_refused' };
  return { status: 500, error: 'the function failed', code: 'function_error' };
}

/** The content type of a body whose function has said none. */
function typeOf(body: Uint8Array): string {
  if (!isUtf8(body)) return 'application/octet-stream';
  return isJson(body) ? 'application/json' : 'text/plain; charset=utf-8';
}

function isJson(body: Uint8Array): boolean {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  // Most bodies that are no JSON begin unlike it, and need not be parsed to know.
  if (!/^\s*[[{"\d\-tfn]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
