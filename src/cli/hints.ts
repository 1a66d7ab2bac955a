import type { ErrorCode } from '../errors.js';

/** What to do next, by error. */
const HINTS: Partial<Record<ErrorCode, string>> = {
  unauthorized: 'Give a key with --api-key or ORAMA_API_KEY, or keep one with: orama login',
  forbidden: 'Use a key of that namespace; yours shows with: orama keys list',
  function_not_found: 'See what is there with: orama function list',
  function_error: 'See what it logged with: orama function logs <name>',
  function_refused:
    'It does not take this input, and would not on another attempt; see why with: orama function logs <name>',
  function_timeout:
    'Raise "timeout" in function.yaml, or see how far it came with: orama function logs <name>',
  unavailable: 'Start an engine with "orama up", or name another with --url or ORAMA_URL.',
  invalid_module: 'Build it again with: orama function build',
  rate_limited: 'Wait a moment and try again.',
  quota_exceeded: 'See what is used with: orama namespaces usage',
  queue_full: 'Wait until the queue has drained and try again.',
};

/** The line that follows the error's own sentence, if there is something to say. */
export function hintFor(code: ErrorCode): string | undefined {
  return HINTS[code];
}
