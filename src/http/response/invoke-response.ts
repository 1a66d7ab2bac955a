import { RETRY_AFTER_SECONDS } from '../../contract/quotas.js';
import type { Accepted } from '../../core/invocations/invoke.js';
import { replyOutput } from '../../core/invocations/output-fields.js';
import type { Reply } from '../../core/invocations/reply.js';
import { json, type RouteResponse } from '../route.js';
import { type Audience, failureFields, failureOutput, milliseconds } from './outcome.js';

const OPENING_BRACE = 0x7b;
const OPENING_BRACKET = 0x5b;

/**
 * Returns the response to an async call, or to a sync call that is still running or for whose reply
 * there is no memory.
 */
export function acceptedResponse({ id }: Pick<Accepted, 'id'>): RouteResponse {
  return json(
    202,
    { request_id: id, status: 'queued' },
    {
      Location: `/v1/invocations/${id}`,
      'X-Request-ID': id,
    },
  );
}

/** Returns the response with the result of a sync call. */
export function replyResponse(
  { id }: Accepted,
  reply: Reply,
  { accept, audience }: { accept: string; audience: Audience },
): RouteResponse {
  const duration = milliseconds(reply.durationMs);
  const headers = {
    'X-Request-ID': id,
    'X-Duration-Ms': String(duration),
    'X-Attempts': String(reply.attempts),
    'X-Function-Version': String(reply.version),
  };
  if (reply.status !== 'success') {
    const { httpStatus, ...failure } = failureFields(reply.status, reply, audience);
    const written = failureOutput(reply.output, audience);
    const again = reply.code === undefined ? {} : { 'Retry-After': String(RETRY_AFTER_SECONDS) };
    return json(
      httpStatus,
      { request_id: id, ...failure, ...written, duration_ms: duration },
      { ...headers, ...again },
    );
  }
  const { output } = reply;
  if (acceptsBytes(accept)) {
    return { status: 200, headers, bytes: output, type: 'application/octet-stream' };
  }
  if (output[0] === OPENING_BRACE || output[0] === OPENING_BRACKET) {
    return { status: 200, headers, bytes: output, type: 'application/json' };
  }
  return json(
    200,
    { request_id: id, ...replyOutput(output), status: 'success', duration_ms: duration },
    headers,
  );
}

/**
 * Returns raw bytes only if the client names the type explicitly: many clients send `*\/*` by
 * default.
 */
function acceptsBytes(accept: string): boolean {
  // Most clients send other values, and splitting them would cost time in every call.
  if (!/octet-stream/i.test(accept)) return false;
  return accept.split(',').some((part) => {
    const [type = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    return type === 'application/octet-stream' && !parameters.some((text) => /^q=0(\.0*)?$/.test(text));
  });
}
