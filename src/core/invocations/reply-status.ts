import { decodeResponse } from '../../contract/http-exchange.js';
import { FINAL_EXIT_CODES } from '../../contract/limits.js';
import { ERRORS } from '../../errors.js';
import type { Reply } from './reply.js';

const FAILURE_CODES = {
  error: 'function_error',
  timeout: 'function_timeout',
  cancelled: 'cancelled',
} as const;

/**
 * Returns whether the exit code (64–78) says that a retry cannot succeed, for example because the
 * input is invalid.
 */
export function isFinalExitCode(exitCode: number | null): boolean {
  return exitCode !== null && exitCode >= FINAL_EXIT_CODES.min && exitCode <= FINAL_EXIT_CODES.max;
}

/** Returns the code with which a failed invocation is answered, now or from its record. */
export function failureCodeOf(
  status: keyof typeof FAILURE_CODES,
  { code, inputRefused }: Pick<Reply, 'code' | 'inputRefused'>,
) {
  return code ?? (inputRefused === true ? 'function_refused' : FAILURE_CODES[status]);
}

/** The part of a reply that determines the HTTP status. */
export type Replied = Pick<Reply, 'status' | 'output' | 'response' | 'inputRefused' | 'code'>;

/** Returns the HTTP status of a function's reply (contract §8). */
export function httpStatusOf(reply: Replied): number {
  const own = decodeResponse(reply.response);
  if (own.kind === 'set') return own.response.status;
  if (own.kind === 'invalid') return 502;
  if (reply.code !== undefined) return ERRORS[reply.code].status;
  if (reply.status === 'success') return reply.output.byteLength === 0 ? 204 : 200;
  if (reply.status === 'timeout') return 504;
  if (reply.status === 'cancelled') return 499;
  return reply.inputRefused ? 422 : 500;
}
