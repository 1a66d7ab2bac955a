import { FunctionError } from './errors.js';
import { type Http, notFromThisApi, outputOf, type Reply } from './http.js';
import type { Invocations, WaitOptions } from './invocations.js';
import { type JsonText, toJson } from './json-text.js';
import type { Invocation } from './shapes.js';

/** Bytes are sent unchanged, a string as UTF-8, any other value as JSON. */
export type Input = Uint8Array | string | JsonText | unknown;

interface CommonOptions {
  /** The same key returns the same invocation and result for 24 hours. */
  idempotencyKey?: string;
  /** Equal values select equal versions of an alias with weights. */
  sticky?: string;
  /** If the invocation is older than this when it is about to start, it is dead. */
  maxAgeSeconds?: number;
  signal?: AbortSignal;
}

export interface InvokeOptions extends CommonOptions {
  /**
   * How long one request waits for the result; afterwards the client polls for it. Default 240 s,
   * as proxies and runtimes abort longer requests.
   */
  waitSeconds?: number;
}

export interface AsyncOptions extends CommonOptions {
  delaySeconds?: number;
  /** URL to which the signed result is POSTed. */
  callbackUrl?: string;
}

/** Result of a function call. */
export interface Result {
  requestId: string;
  bytes: Uint8Array;
  text(): string;
  /**
   * Returns the output as JSON. Integers beyond 2^53 are rounded, unless the client has
   * `parseJson`.
   */
  json<T = unknown>(): T;
  attempts: number;
  version: number;
  durationMs: number;
}

export interface Accepted {
  requestId: string;
  /** Polls until the invocation has ended in any state. */
  wait(options?: WaitOptions): Promise<Invocation>;
}

const WAIT_SECONDS = 240;

export function createInvoke(http: Http, invocations: Invocations, parseJson: (text: string) => unknown) {
  async function post(
    name: string,
    input: Input,
    headers: Record<string, string>,
    options: CommonOptions,
  ): Promise<Reply> {
    const reply = await http.send({
      method: 'POST',
      path: `/v1/functions/${encodeURIComponent(name)}/invoke`,
      headers: { 'Content-Type': 'application/octet-stream', ...headers, ...headersOf(options) },
      body: bodyOf(input),
      repeatable: options.idempotencyKey !== undefined,
      signal: options.signal,
    });
    // Another server may answer 200 to anything, also with an id of the request.
    const mark = reply.status === 202 ? 'x-request-id' : 'x-function-version';
    if (!reply.headers.has(mark)) throw notFromThisApi(reply.status);
    return reply;
  }

  function result(bytes: Uint8Array, rest: Omit<Result, 'bytes' | 'text' | 'json'>): Result {
    const text = () => new TextDecoder().decode(bytes);
    return { ...rest, bytes, text, json: <T>() => parseJson(text()) as T };
  }

  return {
    async invoke(name: string, input: Input = '', options: InvokeOptions = {}): Promise<Result> {
      const headers = {
        Accept: 'application/octet-stream',
        Prefer: `wait=${options.waitSeconds ?? WAIT_SECONDS}`,
      };
      const response = await post(name, input, headers, options);
      const requestId = response.headers.get('x-request-id') ?? '';
      if (response.status === 202) {
        const ended = await invocations.wait(requestId, { signal: options.signal });
        return result(outputOf(succeeded(ended)) ?? new Uint8Array(), {
          requestId,
          attempts: ended.attempts.length,
          version: ended.version,
          durationMs: ended.attempts.at(-1)?.duration_ms ?? 0,
        });
      }
      return result(response.bytes, {
        requestId,
        attempts: Number(response.headers.get('x-attempts') ?? 1),
        version: Number(response.headers.get('x-function-version') ?? 0),
        durationMs: Number(response.headers.get('x-duration-ms') ?? 0),
      });
    },

    async invokeAsync(name: string, input: Input = '', options: AsyncOptions = {}): Promise<Accepted> {
      const headers: Record<string, string> = { Prefer: 'respond-async' };
      if (options.delaySeconds !== undefined) headers['X-Delay-Seconds'] = String(options.delaySeconds);
      if (options.callbackUrl !== undefined) headers['X-Callback-Url'] = options.callbackUrl;
      const response = await post(name, input, headers, options);
      const requestId = response.headers.get('x-request-id') ?? '';
      return { requestId, wait: (waiting) => invocations.wait(requestId, waiting) };
    },
  };
}

function succeeded(invocation: Invocation): Invocation {
  if (invocation.state === 'success') return invocation;
  const message = invocation.error ?? `The invocation ended ${invocation.state}`;
  const last = invocation.attempts.at(-1)?.status;
  const isTimeout = invocation.state === 'timeout' || last === 'timeout';
  const code =
    invocation.state === 'cancelled' ? 'cancelled' : isTimeout ? 'function_timeout' : 'function_error';
  const details = { code, status: 202, requestId: invocation.request_id } as const;
  throw new FunctionError(message, details, outputOf(invocation));
}

function bodyOf(input: Input): string | Uint8Array {
  return input instanceof Uint8Array || typeof input === 'string' ? input : toJson(input);
}

function headersOf({ idempotencyKey, sticky, maxAgeSeconds }: CommonOptions): Record<string, string> {
  return {
    ...(idempotencyKey === undefined ? {} : { 'Idempotency-Key': idempotencyKey }),
    ...(sticky === undefined ? {} : { 'X-Orama-Sticky': sticky }),
    ...(maxAgeSeconds === undefined ? {} : { 'X-Max-Age-Seconds': String(maxAgeSeconds) }),
  };
}
