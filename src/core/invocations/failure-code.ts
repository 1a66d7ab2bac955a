import type { Reply } from './reply.js';

const CODES = { error: 'function_error', timeout: 'function_timeout', cancelled: 'cancelled' } as const;

/** Returns the code with which a failed invocation is answered, now or from its record. */
export function failureCodeOf(
  status: keyof typeof CODES,
  { code, inputRefused }: Pick<Reply, 'code' | 'inputRefused'>,
) {
  return code ?? (inputRefused === true ? 'function_refused' : CODES[status]);
}
