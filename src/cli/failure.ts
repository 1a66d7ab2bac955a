import { z } from 'zod';
import { AppError, ERRORS, type ErrorCode } from '../errors.js';

const replySchema = z.object({
  error: z.string(),
  code: z.string().optional(),
  request_id: z.string().optional(),
  status: z.string().optional(),
});

/** Error codes for responses without a code. */
const BY_STATUS = new Map<number, ErrorCode>([
  [400, 'invalid_request'],
  [401, 'unauthorized'],
  [403, 'forbidden'],
  [404, 'not_found'],
  [409, 'conflict'],
  [413, 'payload_too_large'],
  [422, 'idempotency_mismatch'],
  [429, 'rate_limited'],
  [503, 'unavailable'],
  [504, 'function_timeout'],
]);

/** Matches trailing advice that names an API request. The CLI prints its own hint instead. */
const API_ADVICE = /; [^;]*\b(?:GET|POST|PUT|PATCH|DELETE) \/v1\/[^;]*$/;

/** Converts an error response to an AppError with the server's message. */
export function failure(status: number, body: string, retryAfter: string | undefined | null): AppError {
  const reply = replySchema.safeParse(parseJson(body));
  const wait = Number(retryAfter);
  const options = retryAfter != null && wait > 0 ? { retryAfter: wait } : {};
  if (!reply.success) {
    const sentence = `The server answered ${status} with something that is not of this API; is the address right?`;
    return new AppError(codeOf(status), sentence, options);
  }
  const { code, request_id, status: invocation } = reply.data;
  // One sentence, so that a server cannot imitate further lines of the CLI.
  const error = reply.data.error.replace(/[\t\r\n]+/g, ' ').replace(API_ADVICE, '.');
  // Only a failed invocation has a status in the body; its code depends on nothing else.
  if (invocation !== undefined && request_id !== undefined) {
    const name = invocation === 'timeout' ? 'function_timeout' : 'function_error';
    return new AppError(isCode(code) ? code : name, `${error} (request ${request_id})`, options);
  }
  return new AppError(isCode(code) ? code : codeOf(status), error, options);
}

/** Returns the error code for an HTTP status. */
export function codeOf(status: number): ErrorCode {
  return BY_STATUS.get(status) ?? 'internal';
}

/** Creates the error for a request without a response. */
export function unreachable(url: string, cause: unknown): AppError {
  const inner = cause instanceof Error ? (cause.cause ?? cause) : cause;
  const code = inner instanceof Error && 'code' in inner ? String(inner.code) : undefined;
  if (cause instanceof Error && cause.name === 'AbortError')
    return new AppError('cancelled', 'Stopped', { cause });
  const why = code === 'ECONNREFUSED' ? '' : `: ${inner instanceof Error ? inner.message : String(inner)}`;
  return new AppError('unavailable', `No engine answers at ${url}${why}`, { cause });
}

function isCode(code: string | undefined): code is ErrorCode {
  return code !== undefined && Object.hasOwn(ERRORS, code);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
