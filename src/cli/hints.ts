import type { ErrorCode } from '../errors.js';

/** The failed command: its path without `orama`, its arguments, and the message of the error. */
export interface FailedCommand {
  path: string;
  args: readonly string[];
  message: string;
}

type Hint = string | ((command: FailedCommand) => string);

/** Hints by error code. */
const HINTS: Partial<Record<ErrorCode, Hint>> = {
  unauthorized: ({ path }) =>
    path === 'login'
      ? 'Pass the complete key, as "orama keys create" printed it.'
      : 'Give a key with --api-key or ORAMA_API_KEY, or keep one with: orama login',
  forbidden: 'Use a key of that namespace; list yours with: orama keys list',
  not_found: notFound,
  invalid_request: invalidRequest,
  function_not_found: functionNotFound,
  // A local run has already printed its log.
  function_error: ({ path, args }) => (path === 'function pull' ? '' : logsHint('See what it logged', args)),
  function_refused: ({ args, message }) => handlerHint(message, nameIn(args)),
  function_timeout: ({ args }) => logsHint('Raise "timeout" in function.yaml, or inspect its log', args),
  unavailable: ({ message }) =>
    message.startsWith('No engine answers')
      ? 'Start an engine with "orama up", or name another with --url or ORAMA_URL.'
      : '',
  invalid_module: ({ message }) =>
    // The message says what to do about a memory limit.
    message.includes('raise "memory"') ? '' : 'Build it again with: orama function build',
  rate_limited: 'Wait a moment and try again.',
  quota_exceeded: 'See what is used with: orama namespaces usage',
  queue_full: 'Wait until the queue has drained and try again.',
};

/** Returns the hint that is printed below the error message, if there is one. */
export function hintFor(code: ErrorCode, command: FailedCommand): string | undefined {
  const hint = HINTS[code];
  return (typeof hint === 'function' ? hint(command) : hint) || undefined;
}

function functionNotFound({ path, args, message }: FailedCommand): string {
  // The message says whether the function, its version or its alias is missing.
  if (/\bno alias\b/.test(message)) return `See its aliases with: orama function alias list ${nameIn(args)}`;
  if (/\bno version\b/.test(message)) return `See its versions with: orama function versions ${nameIn(args)}`;
  if (/^(function )?invoke$/.test(path)) {
    return 'Deploy it from its directory with "orama function deploy", or see what is there with: orama function list';
  }
  return 'See what is there with: orama function list';
}

function notFound({ path, args }: FailedCommand): string {
  const [group = '', noun = ''] = path.split(' ');
  if (group === 'keys') return 'See what is there with: orama keys list';
  if (noun === 'secrets') return 'See what is there with: orama function secrets list';
  if (noun === 'triggers' || noun === 'alias') {
    return `See what is there with: orama function ${noun} list ${nameIn(args)}`;
  }
  if (noun === 'rollout') return `Start one with: orama function rollout ${nameIn(args)} --to 2`;
  if (group === 'invocations' || noun === 'pull') return 'See what is there with: orama invocations list';
  if (noun === 'dead') return 'See what is there with: orama function dead list';
  return '';
}

/** An id is not typed but copied from a list. */
function invalidRequest({ path, message }: FailedCommand): string {
  if (!message.startsWith('id must')) return '';
  return path.startsWith('function dead')
    ? 'Take it from: orama function dead list'
    : 'Take it from: orama invocations list';
}

/** The message of a JavaScript function that has only handlers for triggers. */
const NO_FETCH = /has no handler fetch, only ([a-z ]+), and got/;

function handlerHint(message: string, name: string): string {
  const [, own] = NO_FETCH.exec(message) ?? [];
  if (own === undefined) {
    return logsHint('It does not take this input, and would not on another attempt; see why', [name]);
  }
  return own.startsWith('event')
    ? `It takes events only; fire it with "orama function publish <topic>", for a topic of: orama function triggers list ${name}`
    : `It runs by a schedule only; run it now with "orama function triggers run ${name} <id>", for an id of: orama function triggers list ${name}`;
}

function logsHint(advice: string, args: readonly string[]): string {
  const name = nameIn(args);
  return name === '' ? '' : `${advice} with: orama function logs ${name}`;
}

/** Returns the function name of `name@version`. */
function nameIn([given = '']: readonly string[]): string {
  return given.replace(/@.*$/, '');
}
