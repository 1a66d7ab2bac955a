import { headline, stackOf } from './stacks.js';
import { inspect } from './values.js';

/**
 * Ends the invocation with an exit code that prevents a retry (range of sysexits.h); for invalid
 * input.
 */
export class NonRetryableError extends Error {
  override name = 'NonRetryableError';
  readonly exitCode: number;

  constructor(message?: string, options?: ErrorOptions & { exitCode?: number }) {
    super(message, options);
    this.exitCode = options?.exitCode ?? EXIT.data;
  }
}

/** Exit codes: a failure that may be retried, invalid data, and the range that is not retried. */
export const EXIT = { failure: 1, data: 65, lastSysexit: 78, firstSysexit: 64 } as const;

export function exitCodeOf(error: unknown): number {
  if (!(error instanceof NonRetryableError)) return EXIT.failure;
  const { exitCode } = error;
  return exitCode >= EXIT.firstSysexit && exitCode <= EXIT.lastSysexit ? exitCode : EXIT.data;
}

/** The errors of an AggregateError that are shown. */
const SHOWN_ERRORS = 10;

/** Formats a thrown value that is no error. */
function shown(value: unknown): string {
  return typeof value === 'object' && value !== null ? inspect(value) : String(value);
}

/** Formats an error with its stack and causes for a log. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return `Uncaught ${shown(error)}`;
  const seen = new Set<unknown>();
  const parts: string[] = [];
  for (let next: unknown = error; next !== undefined && !seen.has(next); ) {
    seen.add(next);
    parts.push(next instanceof Error ? stackWithErrors(next) : shown(next));
    next = next instanceof Error ? next.cause : undefined;
  }
  return parts.join('\ncaused by: ');
}

function stackWithErrors(error: Error): string {
  const stack = stackOf(error);
  if (!(error instanceof AggregateError) || !Array.isArray(error.errors)) return stack;
  return [stack, ...error.errors.slice(0, SHOWN_ERRORS).map((one) => `one of: ${summarize(one)}`)].join('\n');
}

/** Tried only where a word begins, since a word may be as long as a message. */
const POSITION = /(?<![^\s()])[^\s()]+:\d+/;

/**
 * Formats an error in one line with the message of its cause and the first position in the sources.
 */
export function summarize(error: unknown): string {
  const text = error instanceof Error ? headline(error) : `uncaught ${inOneLine(shown(error))}`;
  const place = error instanceof Error ? POSITION.exec(framesOf(error))?.[0] : undefined;
  const first = (text.split('\n', 1)[0] ?? '') + causeOf(error);
  return place === undefined ? first : `${first} (${place})`;
}

/** Returns the message of the cause, which often says why: `fetch failed: no such host`. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && cause.message !== '' ? `: ${inOneLine(cause.message)}` : '';
}

function inOneLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '').join(' ');
}

function framesOf(error: Error): string {
  const stack = stackOf(error);
  const first = stack.indexOf('\n    at ');
  // Without frames, a message such as `got: {"n":1}` must not be searched for a position.
  return first < 0 ? '' : stack.slice(first + 1);
}
