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
import { engineUrl } from './request.js';
import { createSubscribe, type SubscribeOptions, type Subscription } from './subscribe.js';
import { defaultWebSocket, type WebSocketFactory } from './web-socket.js';

export interface ClientOptions {
  /** URL of the engine, such as `https://functions.example.com`. */
  url: string;
  /** API key. Without `apiKey` and `token`, only public functions can be called. */
  apiKey?: string;
  /** JWT, instead of an API key. */
  token?: string;
  /** Namespace of anonymous calls; a credential determines its own. */
  namespace?: string;
  /** Maximum number of retries after 429, 503 or no response, where these are safe. Default 4. */
  retries?: number;
  /**
   * Timeout of a response in milliseconds. Default 300,000. `invoke` asks the engine for an answer a
   * second before, and goes on waiting if the invocation has not ended by then; it gives the engine
   * 2 seconds at least.
   */
  timeoutMs?: number;
  /** Replaces the global `fetch`. */
  fetch?: FetchLike;
  /**
   * Replaces the global `WebSocket`, which Node has since version 22. It must offer the subprotocols,
   * which carry the credential.
   */
  webSocket?: WebSocketFactory;
  /** Replaces `JSON.parse`, which rounds integers beyond 2^53, in `Result.json()`. */
  parseJson?: (text: string) => unknown;
}

export interface Client {
  /**
   * Invokes a function (`name`, `name@version` or `name@alias`) and resolves with its result.
   * Rejects with a FunctionError if the function fails.
   */
  invoke(name: string, input?: Input, options?: InvokeOptions): Promise<Result>;
  /** Enqueues an invocation. Resolves once it is durable. */
  invokeAsync(name: string, input?: Input, options?: AsyncOptions): Promise<Accepted>;
  /**
   * Publishes a JSON value or bytes. Resolves with the number of triggers that it fired once the
   * message is durable.
   */
  publish(topic: string, data: unknown, options?: { signal?: AbortSignal }): Promise<{ triggered: number }>;
  /** Publishes 1 to 1,000 messages atomically. */
  publishBatch(messages: readonly Message[], options?: { signal?: AbortSignal }): Promise<{ count: number }>;
  /** Subscribes to the messages of a topic from now on. */
  subscribe(topic: string, options?: SubscribeOptions): Subscription;
  readonly invocations: Invocations;
  readonly deadLetters: DeadLetters;
}

const RETRIES = 4;
const TIMEOUT_MS = 300_000;

/**
 * Creates a client of one engine with one credential. It keeps no connections open except for
 * subscriptions. Throws a TypeError for a URL or a credential that no request can have.
 */
export function createClient(options: ClientOptions): Client {
  const url = engineUrl(options.url);
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
    // In browsers, `fetch` throws if it is called as a method of another object.
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
      credential: options.apiKey ?? options.token,
      namespace: options.namespace,
      open: options.webSocket ?? defaultWebSocket,
    }),
    invocations,
    deadLetters: createDeadLetters(http, invocations),
  };
}
