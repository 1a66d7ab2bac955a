import type { Command } from 'commander';

/** Options of the CLI whose names differ from those of the API's fields and headers. */
const OPTIONS: Readonly<Record<string, string>> = {
  'x-delay-seconds': '--delay',
  every_seconds: '--every',
  max_error_percent: '--max-errors',
  max_p95_ms: '--max-p95',
  weights: '--weight',
  parent_id: '--parent',
  expires_at: '--expires',
};

/** Matches the field that a sentence of the API begins with: `weights.2 must`, `scopes[0] must`. */
const FIELD = /^([a-z][a-z0-9_-]*)(?:\[\d+\])?(?:\.(\w+))?(?=:? (?:must|may|is) )/;
/** Matches advice that names a request or a header of the API. */
const API_ADVICE = /^ .*\b(?:(?:GET|POST|PUT|PATCH|DELETE) \/v1\/|X-API-Key\b)/s;

/**
 * Matches the answer to a path that the engine does not have, also of the port of HTTP functions.
 */
const UNKNOWN_PATH = /^There is no (?:(?:GET|POST|PUT|PATCH|DELETE) \/|function at this address)/;

/**
 * Returns an error message of the API in terms of the command line: with the option in place of the
 * field, and without requests of the API.
 */
export function inCliTerms(message: string, command: Command | undefined): string {
  if (UNKNOWN_PATH.test(message))
    return 'The engine does not know this command; is its URL right, and its version?';
  return withoutApiAdvice(message).replace(FIELD, (text, field: string, part?: string) => {
    if (field === 'id') return 'the request id';
    const long = OPTIONS[field] ?? `--${field.replaceAll('_', '-')}`;
    if (!command?.options.some((option) => option.long === long)) return text;
    return part === undefined ? long : `${long} for ${part}`;
  });
}

/** Removes trailing advice that names the API. The CLI prints its own hint instead. */
function withoutApiAdvice(message: string): string {
  const at = message.lastIndexOf(';');
  return at >= 0 && API_ADVICE.test(message.slice(at + 1)) ? `${message.slice(0, at)}.` : message;
}
