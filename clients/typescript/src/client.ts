import { createDeadLetters, type DeadLetters } from './dead-letters.js';
import { createHttp, type FetchLike } from './http.js';
import { createInvocations, type Invocations } from './invocations.js';
import {
  type Accepted,
  type AsyncOptions,
  createInvoke,
  type Input,
  type InvokeOptions,
  type Result,
} from './invoke.js';
import { createPublish, type Message, type Publishing } from './publish.js';
import { createSubscribe, type SubscribeOptions, type Subscription } from './subscribe.js';
import { defaultWebSocket, type WebSocketFactory } from './web-socket.js';

export interface ClientOptions {
  /** The engine's address, such as `https://functions.example.com`. */
  url: string;
  /** An API key. Without key and token only public functions can be called. */
  apiKey?: string;
  /** A JWT in place of a key. */
  token?: string;
  /** The namespace of anonymous calls; a credential has its own. */
  namespace?: string;
  /** How often a call is sent again after 429, 503 or no answer, where that is safe: 4. */
  retries?: number;
  /** How long an answer is waited for: 300,000 ms. */
  timeoutMs?: number;
  /** In place of the global `fetch`. */
  fetch?: FetchLike;
  /** In place of the global `WebSocket`, which Node has from version 22 on. */
  webSocket?: WebSocketFactory;
  /** In place of `JSON.parse`, which rounds integers beyond 2^53; for `Result.json()`. */
  parseJson?: (text: string) => unknown;
}

export interface Client {
  /** Runs a function (`name`, `name@version` or `name@alias`) and waits for its output. */
  invoke(name: string, input?: Input, options?: InvokeOptions): Promise<Result>;
  /** Has a function run; done as soon as that is durable. */
  invokeAsync(name: string, input?: Input, options?: AsyncOptions): Promise<Accepted>;
  /** Publishes a JSON value, or bytes; says how many triggers it fired. */
  publish(topic: string, data: unknown, options?: { signal?: AbortSignal }): Promise<{ triggered: number }>;
  /** Publishes 1 to 1,000 messages, all or none. */
  publishBatch(messages: readonly Message[], options?: { signal?: AbortSignal }): Promise<{ count: number }>;
  /** The messages of a topic from now on. */
  subscribe(topic: string, options?: SubscribeOptions): Subscription;
  readonly invocations: Invocations;
  readonly deadLetters: DeadLetters;
}

const RETRIES = 4;
const TIMEOUT_MS = 300_000;

/** A client of one engine, as one caller. It holds nothing open but subscriptions. */
export function createClient(options: ClientOptions): Client {
  const url = options.url.replace(/\/+$/, '');
  const credentials: Record<string, string> =
    options.apiKey !== undefined
      ? { 'X-API-Key': options.apiKey }
      : options.token !== undefined
        ? { Authorization: `Bearer ${options.token}` }
        : {};
  const http = createHttp({
    url,
    headers: credentials,
    namespace: options.namespace,
    // Called as a method of anything else, a browser's fetch throws.
    fetch: options.fetch ?? ((address, init) => fetch(address, init)),
    retries: options.retries ?? RETRIES,
    timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
  });
  const invocations = createInvocations(http);
  const publishing: Publishing = createPublish(http);
  return {
    ...createInvoke(http, invocations, options.parseJson ?? JSON.parse),
    ...publishing,
    subscribe: createSubscribe(http, {
      url,
      apiKey: options.apiKey,
      token: options.token,
      namespace: options.namespace,
      open: options.webSocket ?? defaultWebSocket,
    }),
    invocations,
    deadLetters: createDeadLetters(http, invocations),
  };
}
