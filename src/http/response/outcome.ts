import type { Namespace } from '../../contract/ids.js';
import type { Principal } from '../../core/auth/principal.js';
import { replyOutput } from '../../core/invocations/output-fields.js';
import type { Reply } from '../../core/invocations/reply.js';
import { failureCodeOf } from '../../core/invocations/reply-status.js';
import { ERRORS } from '../../errors.js';

/**
 * For whom an outcome is. Of a function that fails, only its namespace sees why it exited, which
 * may be a line of its log, and only callers with a credential see its output.
 */
export type Audience = 'namespace' | 'credentialed' | 'anybody';

export function audienceOf(principal: Principal | null, namespace: Namespace): Audience {
  if (principal === null) return 'anybody';
  return principal.isAdmin || principal.namespace === namespace ? 'namespace' : 'credentialed';
}

/** Returns the error fields of a failed invocation for its caller. */
export function failureFields(
  status: Parameters<typeof failureCodeOf>[0],
  { error, ...reasons }: Pick<Reply, 'error' | 'code' | 'inputRefused'>,
  audience: Audience,
) {
  const code = failureCodeOf(status, reasons);
  const shown = error !== null && audience !== 'namespace' ? withoutText(error) : error;
  return { status, error: shown ?? ERRORS[code].about, code, httpStatus: ERRORS[code].status };
}

/**
 * An error that ends with text of the function, perhaps as the reason of an exceeded memory limit.
 */
const WITH_TEXT =
  /^((?:memory limit of \d+ MB exceeded \()?(?:exited with code -?\d+|trap: unreachable)): .*$/s;

/** Returns the error of an exit or a panic without what the function printed or logged. */
function withoutText(error: string): string {
  const shown = WITH_TEXT.exec(error)?.[1];
  if (shown === undefined) return error;
  return shown.includes('(') ? `${shown})` : shown;
}

/** Returns the output of a failed function for callers with a credential; null if there is none. */
export function failureOutput(output: Uint8Array, audience: Audience): ReturnType<typeof replyOutput> | null {
  return audience !== 'anybody' && output.byteLength > 0 ? replyOutput(output) : null;
}

/** Rounds to microseconds, as clocks return more digits than their resolution. */
export function milliseconds(duration: number): number {
  return Math.round(duration * 1000) / 1000;
}
