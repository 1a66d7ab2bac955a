import { withoutMark } from './body.js';
import type { Context } from './context.js';
import { NonRetryableError } from './errors.js';
import { Headers } from './headers.js';
import { type Bytes, getEnv, inputBytes, inputText } from './host.js';
import { type Received, reply } from './http.js';
import { incoming, type Request } from './request.js';
import { Response } from './response.js';

type Handler<Input> = (input: Input, env: object, context: Context) => unknown;

interface Handlers {
  fetch?: Handler<Request>;
  event?: Handler<unknown>;
  scheduled?: Handler<unknown>;
}

type Kind = keyof Handlers;

let exported: unknown;

/** The bundle's default export. */
export function setHandler(value: unknown): void {
  exported = value;
}

/** Runs the handler for the invocation. Resolves with the output. */
export async function callHandler(env: object, context: Context): Promise<Bytes> {
  if (typeof exported === 'function') {
    return encode(await (exported as Handler<unknown>)(parse(inputText()), env, context));
  }
  if (typeof exported !== 'object' || exported === null) {
    throw new NonRetryableError(
      'index has no default export; export a function, or an object with fetch, event or scheduled',
    );
  }
  const handlers = exported as Handlers;
  const kind = kindOf(handlers);
  const handler = handlers[kind];
  if (typeof handler !== 'function') throw new NonRetryableError(`The default export has no handler ${kind}`);
  if (kind === 'fetch') {
    const isHttp = context.http !== null;
    return respond(await handlers.fetch?.(requestOf(context.http), env, context), isHttp);
  }
  const event = JSON.parse(inputText()) as { scheduled_at?: string };
  if (kind === 'event') return encode(await handlers.event?.(event, env, context));
  // The name of this property in Workers, in addition to the engine's.
  const scheduledTime = Date.parse(event.scheduled_at ?? '');
  return encode(await handlers.scheduled?.({ ...event, scheduledTime }, env, context));
}

/**
 * A triggered invocation is identified by ORAMA_TRIGGER. For a replay, and for engines that do not
 * set it, the input decides.
 */
function kindOf({ event, scheduled }: Handlers): Kind {
  switch (getEnv('ORAMA_TRIGGER')) {
    case 'pubsub':
      return 'event';
    case 'cron':
      return 'scheduled';
    case 'http':
    case 'ws':
    case 'async':
      return 'fetch';
  }
  if (event === undefined && scheduled === undefined) return 'fetch';
  const input = parse(inputText());
  if (typeof input !== 'object' || input === null || !('trigger_depth' in input)) return 'fetch';
  if ('topic' in input && 'data' in input) return 'event';
  return 'cron' in input && 'scheduled_at' in input ? 'scheduled' : 'fetch';
}

const BODILESS = new Set(['GET', 'HEAD']);

/**
 * Returns the request of an HTTP function. Other invocations are represented as a POST with the
 * input as the body.
 */
function requestOf(http: Received | null): Request {
  const content = { text: () => withoutMark(inputText()), bytes: inputBytes, send: inputBytes };
  if (http === null) return incoming('http://localhost/', 'POST', new Headers(), content);
  const { url, method, headers } = http;
  return incoming(url, method, new Headers(headers), BODILESS.has(method) ? null : content);
}

async function respond(response: unknown, isHttp: boolean): Promise<Bytes> {
  if (!(response instanceof Response)) {
    throw new TypeError(`fetch must return a Response, not ${response === null ? 'null' : typeof response}`);
  }
  if (isHttp) reply(response.status, response.headers);
  return response.send();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Returns JSON; empty for undefined. */
function encode(value: unknown): Bytes {
  return JSON.stringify(value) ?? '';
}
