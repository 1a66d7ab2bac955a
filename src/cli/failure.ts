import * as z from 'zod';
import { AppError, type ErrorCode, isErrorCode } from '../errors.js';
import { JsonText } from '../json/json-text.js';
import { networkReason } from '../network-reason.js';

const replySchema = z.object({
  error: z.string(),
  code: z.string().optional(),
  request_id: z.string().optional(),
  status: z.string().optional(),
  output: z.unknown().optional(),
  output_base64: z.string().optional(),
});

/** Longest output of a failed function that is shown, in characters. */
const MAX_SHOWN_OUTPUT = 2000;

/**
 * Error codes for responses without a code, which come from a proxy. 504 has none: it does not say
 * that a function exceeded its timeout, nor whether its invocation was accepted.
 */
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
]);

/** Errors with an id to look up: in the log of the function, or in that of the engine. */
const LOGGED = new Set<ErrorCode>([
  'function_error',
  'function_refused',
  'function_timeout',
  'expired',
  'worker_died',
  'cancelled',
  'internal',
]);

/** The cause of an AppError that the API has answered: its reply, for `--json`. */
export class FailedReply extends Error {
  readonly reply: JsonText;

  constructor(status: number, json: string) {
    super(`The API answered ${status}`);
    this.reply = new JsonText(json.trim());
  }
}

/** Converts an error response to an AppError with the server's message. */
export function failure(status: number, body: string, retryAfter: string | undefined | null): AppError {
  const reply = replySchema.safeParse(parseJson(body));
  const wait = Number(retryAfter);
  const options = retryAfter != null && wait > 0 ? { retryAfter: wait } : {};
  const cause = new FailedReply(status, body);
  if (!reply.success) {
    const sentence = `The server answered ${status} with a response that is not from this API; is the address right?`;
    return new AppError(codeOf(status), sentence, options);
  }
  const { code, request_id, status: invocation, output, output_base64 } = reply.data;
  const error = oneLine(reply.data.error);
  // Only the replies of `invoke` have a status in the body; without a code, the function failed.
  if (invocation !== undefined && request_id !== undefined) {
    const ran = invocation === 'timeout' ? 'function_timeout' : 'function_error';
    const known = isErrorCode(code) ? code : ran;
    const where = LOGGED.has(known) ? ` (request ${request_id})` : '';
    return new AppError(known, `${error}${where}${outputLine(output ?? output_base64)}`, {
      ...options,
      cause,
    });
  }
  return new AppError(isErrorCode(code) ? code : codeOf(status), error, { ...options, cause });
}

/** So that neither a server nor a function can imitate further lines of the CLI. */
function oneLine(text: string): string {
  return text.replace(/[\t\r\n]+/g, ' ');
}

/** Formats what the function answered before it failed, which often says why. */
function outputLine(output: unknown): string {
  const text = oneLine(typeof output === 'string' ? output.trim() : (JSON.stringify(output) ?? ''));
  if (text === '') return '';
  const isCut = text.length > MAX_SHOWN_OUTPUT;
  return `\nIts output: ${isCut ? `${text.slice(0, MAX_SHOWN_OUTPUT)}…` : text}`;
}

/** Returns the error code for an HTTP status. */
export function codeOf(status: number): ErrorCode {
  return BY_STATUS.get(status) ?? 'internal';
}

/** Creates the error for a request without a response. */
export function unreachable(url: string, cause: unknown): AppError {
  if (cause instanceof Error && cause.name === 'AbortError')
    return new AppError('cancelled', 'Stopped', { cause });
  const reason = networkReason(cause);
  const why = reason.includes('ECONNREFUSED') ? '' : `: ${reason}`;
  return new AppError('unavailable', `No engine answers at ${url}${why}`, { cause });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
