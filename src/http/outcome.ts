import { replyOutput } from '../core/output-fields.js';
import type { Reply } from '../core/replies.js';
import { ERRORS } from '../errors.js';

const FAILURES = { error: 'function_error', timeout: 'function_timeout', cancelled: 'cancelled' } as const;

/** How a failed invocation is told to whoever waited for it. */
export function failureFields(
  status: keyof typeof FAILURES,
  { error, code: reason, refused }: Pick<Reply, 'error' | 'code' | 'refused'>,
  isCredentialed: boolean,
) {
  const code = reason ?? (refused === true ? 'function_refused' : FAILURES[status]);
  const said = error !== null && !isCredentialed ? withoutOwnWords(error) : error;
  return { status, error: said ?? ERRORS[code].about, code, httpStatus: ERRORS[code].status };
}

/**
 * An exit's error without the line of stderr behind it: what a function prints is not for anonymous
 * callers.
 */
function withoutOwnWords(error: string): string {
  return /^exited with code \d+(?=: )/.exec(error)?.[0] ?? error;
}

/**
 * What the function wrote before it failed, for callers with a credential: nothing where it wrote
 * nothing.
 */
export function failureOutput(
  output: Uint8Array,
  isCredentialed: boolean,
): ReturnType<typeof replyOutput> | null {
  return isCredentialed && output.byteLength > 0 ? replyOutput(output) : null;
}

/** To the microsecond: clocks give more digits than they know. */
export function milliseconds(duration: number): number {
  return Math.round(duration * 1000) / 1000;
}
