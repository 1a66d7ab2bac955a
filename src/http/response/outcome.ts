import type { Principal } from '../../core/auth/principal.js';
import { replyOutput } from '../../core/invocations/output-fields.js';
import type { Reply } from '../../core/invocations/reply.js';
import { ERRORS } from '../../errors.js';

/** For whom an outcome is: anonymous callers must not see a function's output when it fails. */
export type Audience = 'credentialed' | 'anybody';

const FAILURES = { error: 'function_error', timeout: 'function_timeout', cancelled: 'cancelled' } as const;

export function audienceOf(principal: Principal | null): Audience {
  return principal === null ? 'anybody' : 'credentialed';
}

/** Returns the error fields of a failed invocation for its caller. */
export function failureFields(
  status: keyof typeof FAILURES,
  { error, code: reason, inputRefused }: Pick<Reply, 'error' | 'code' | 'inputRefused'>,
  audience: Audience,
) {
  const code = reason ?? (inputRefused === true ? 'function_refused' : FAILURES[status]);
  const shown = error !== null && audience === 'anybody' ? withoutOutput(error) : error;
  return { status, error: shown ?? ERRORS[code].about, code, httpStatus: ERRORS[code].status };
}

/**
 * An error that ends with text of the function, perhaps as the reason of an exceeded memory limit.
 */
const WITH_OUTPUT =
  /^((?:memory limit of \d+ MB exceeded \()?(?:exited with code \d+|trap: unreachable)): .*$/s;

/** Returns the error of an exit or a panic without what the function printed on stderr. */
function withoutOutput(error: string): string {
  const shown = WITH_OUTPUT.exec(error)?.[1];
  if (shown === undefined) return error;
  return shown.includes('(') ? `${shown})` : shown;
}

/** Returns the output of a failed function for callers with a credential; null if there is none. */
export function failureOutput(output: Uint8Array, audience: Audience): ReturnType<typeof replyOutput> | null {
  return audience === 'credentialed' && output.byteLength > 0 ? replyOutput(output) : null;
}

/** Rounds to microseconds, as clocks return more digits than their resolution. */
export function milliseconds(duration: number): number {
  return Math.round(duration * 1000) / 1000;
}
