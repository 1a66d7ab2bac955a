import { withoutMark } from './body.js';
import type { Context } from './context.js';
import { NonRetryableError } from './errors.js';
import { Headers } from './headers.js';
import { type Bytes, getEnv, inputBytes, inputText } from './host.js';
import type { Received } from './http.js';
import { incoming, type Request } from './request.js';
import { Response } from './response.js';

type Handler<Input> = (input: Input, env: object, context: Context) => unknown;

interface Handlers {
  fetch?: Handler<Request>;
  event?: Handler<unknown>;
  scheduled?: Handler<unknown>;
}

type Kind = keyof Handlers;
const KINDS: readonly Kind[] = ['fetch', 'event', 'scheduled'];

/** How much of an input that no handler takes is shown. */
const SHOWN_CHARACTERS = 200;
/** Triggers of invocations that a caller has made. */
const CALLS = new Set(['http', 'ws', 'async']);

let exported: unknown;

/** The bundle's default export. */
export function setHandler(value: unknown): void {
  exported = value;
}

/** The output of an invocation. */
export interface Output {
  body: Bytes;
  /** Status and headers of an HTTP function's response. */
  head: { status: number; headers: Headers } | null;
}

/** Runs the handler for the invocation. */
export async function callHandler(env: object, context: Context): Promise<Output> {
  if (typeof exported === 'function') {
    return encode(await (exported as Handler<unknown>)(parse(inputText()), env, context));
  }
  if (typeof exported !== 'object' || exported === null) {
    const found = exported === null ? 'null' : typeof exported;
    throw new NonRetryableError(
      `The default export is ${found}; export a function, or an object with fetch, event or scheduled`,
    );
  }
  const handlers = exported as Handlers;
  const kind = kindOf(handlers);
  const handler = handlers[kind];
  if (typeof handler !== 'function') {
    const got = kind === 'fetch' ? `, and got: ${inputText().slice(0, SHOWN_CHARACTERS)}` : '';
    const own = KINDS.filter((one) => typeof handlers[one] === 'function').join(' and ');
    const only = own === '' ? '' : `, only ${own}`;
    throw new NonRetryableError(`The default export has no handler ${kind}${only}${got}`);
  }
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
 * A triggered invocation is identified by ORAMA_TRIGGER. The input decides for a replay, for
 * engines that do not set it, and for a call of a function without `fetch`, which tries a handler
 * by hand.
 */
function kindOf({ fetch, event, scheduled }: Handlers): Kind {
  const trigger = getEnv('ORAMA_TRIGGER');
  if (trigger === 'pubsub') return 'event';
  if (trigger === 'cron') return 'scheduled';
  if (fetch !== undefined && CALLS.has(trigger ?? '')) return 'fetch';
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

async function respond(response: unknown, isHttp: boolean): Promise<Output> {
  if (!(response instanceof Response)) {
    throw new TypeError(`fetch must return a Response, not ${response === null ? 'null' : typeof response}`);
  }
  const { status, headers } = response;
  return { body: await response.send(), head: isHttp ? { status, headers } : null };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // Nested too deeply.
    if (error instanceof RangeError) throw error;
    return text;
  }
}

/** Returns JSON; empty for undefined. */
function encode(value: unknown): Output {
  return { body: JSON.stringify(value) ?? '', head: null };
}
