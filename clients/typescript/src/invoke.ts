import { type Bytes, bytesOf } from './bytes.js';
import { type ErrorCode, FunctionError, OramaError } from './errors.js';
import { type Http, notFromThisApi, OF_FUNCTIONS, outputOf, pauseBefore, type Reply } from './http.js';
import { FIRST_POLL_MS, type Invocations, nextPoll, refusal, type WaitOptions } from './invocations.js';
import { type JsonText, toJson } from './json-text.js';
import type { Invocation } from './shapes.js';
import { sleep } from './sleep.js';

/**
 * Bytes (an ArrayBuffer, a typed array or a DataView) are sent unchanged, a string as UTF-8, any
 * other value as JSON. A Blob, a stream or a function is a TypeError.
 */
export type Input = Bytes | string | JsonText | unknown;

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
   * How long one request waits for the result. Default 240 s, as proxies and runtimes abort longer
   * requests; always at least a second less than the client's `timeoutMs`.
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
/** Time for an answer to arrive after the engine has waited. */
const MARGIN_SECONDS = 1;

export function createInvoke(http: Http, invocations: Invocations, parseJson: (text: string) => unknown) {
  // An answer of 202 with the id must arrive within the timeout. The engine waits whole seconds.
  const longestWait = Math.max(1, Math.floor(http.timeoutMs / 1000 - MARGIN_SECONDS));

  async function post(
    name: string,
    input: Input,
    headers: Record<string, string>,
    options: CommonOptions,
    timeoutMs?: number,
  ): Promise<Reply> {
    const reply = await http.send({
      method: 'POST',
      path: `/v1/functions/${encodeURIComponent(name)}/invoke`,
      headers: { 'Content-Type': 'application/octet-stream', ...headers, ...headersOf(options) },
      body: bodyOf(input),
      repeatable: options.idempotencyKey !== undefined,
      signal: options.signal,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
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

  function answered({ headers, bytes }: Reply): Result {
    return result(bytes, {
      requestId: headers.get('x-request-id') ?? '',
      attempts: Number(headers.get('x-attempts') ?? 1),
      version: Number(headers.get('x-function-version') ?? 0),
      durationMs: Number(headers.get('x-duration-ms') ?? 0),
    });
  }

  /** Repeats a call with an idempotency key, which needs no right to read, until it is answered. */
  async function repeated(call: () => Promise<Reply>, signal: AbortSignal | undefined): Promise<Result> {
    let due = FIRST_POLL_MS;
    for (let pause = due; ; pause = nextPoll(pause)) {
      await sleep(due, signal);
      const reply = await call().catch(refusal);
      if (!(reply instanceof OramaError) && reply.status !== 202) return answered(reply);
      due = reply instanceof OramaError ? Math.max(pause, pauseBefore(0, reply.retryAfter)) : pause;
    }
  }

  async function polled(requestId: string, signal: AbortSignal | undefined): Promise<Result> {
    const ended = await invocations.wait(requestId, { signal });
    return result(outputOfSuccess(ended), {
      requestId,
      attempts: ended.attempts.length,
      version: ended.version,
      durationMs: ended.attempts.at(-1)?.duration_ms ?? 0,
    });
  }

  return {
    /**
     * Invokes a function and resolves with its output. If the engine answers before the invocation
     * has ended, waits for its end: with `idempotencyKey` by repeating the call, and otherwise by
     * polling, for which the credential needs the scope `read`. Errors have `accepted` from then on.
     */
    async invoke(name: string, input: Input = '', options: InvokeOptions = {}): Promise<Result> {
      const { idempotencyKey, signal, waitSeconds = WAIT_SECONDS } = options;
      const call = (most: number) => {
        const seconds = Math.min(Math.ceil(most), longestWait);
        const headers = { Accept: 'application/octet-stream', Prefer: `wait=${seconds}` };
        return post(name, input, headers, options, (seconds + MARGIN_SECONDS) * 1000);
      };
      const first = await call(waitSeconds);
      if (first.status !== 202) return answered(first);
      const requestId = first.headers.get('x-request-id') ?? '';
      try {
        if (idempotencyKey === undefined) return await polled(requestId, signal);
        // Within no time at all, the engine does not look for the result of an earlier call.
        return await repeated(() => call(Math.max(waitSeconds, 1)), signal);
      } catch (error) {
        throw afterAcceptance(error, requestId);
      }
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

/** Returns the output of an ended invocation, or throws what the engine answers to a waiting call. */
function outputOfSuccess(invocation: Invocation): Uint8Array {
  const { state, error, code, request_id: requestId, output_size: size } = invocation;
  const output = outputOf(invocation);
  if (state !== 'success') {
    const details = { code: code ?? codeOf(invocation), status: 202, requestId };
    const message = error ?? `The invocation ended ${state}`;
    if (OF_FUNCTIONS.has(details.code)) throw new FunctionError(message, details, output);
    throw new OramaError(message, details);
  }
  if (output !== undefined || (size ?? 0) === 0) return output ?? new Uint8Array();
  const message = `it succeeded, but its output of ${size} bytes is not kept any more`;
  throw new OramaError(message, { code: 'not_found', status: 202, requestId });
}

/** Returns the code for a record without one, as of earlier engines. */
function codeOf({ state, attempts }: Invocation): ErrorCode {
  if (state === 'cancelled') return 'cancelled';
  return state === 'timeout' || attempts.at(-1)?.status === 'timeout' ? 'function_timeout' : 'function_error';
}

/** Adds the id to an error that says nothing about how the accepted invocation ended. */
function afterAcceptance(error: unknown, requestId: string): unknown {
  if (!(error instanceof OramaError) || error instanceof FunctionError) return error;
  const { code, status, retryAfter } = error;
  return new OramaError(`Invocation ${requestId} was accepted, but its result is unknown: ${error.message}`, {
    code,
    status,
    requestId,
    retryAfter,
    accepted: true,
    cause: error,
  });
}

function bodyOf(input: Input): string | Uint8Array {
  return typeof input === 'string' ? input : (bytesOf(input) ?? toJson(input));
}

function headersOf({ idempotencyKey, sticky, maxAgeSeconds }: CommonOptions): Record<string, string> {
  return {
    ...(idempotencyKey === undefined ? {} : { 'Idempotency-Key': idempotencyKey }),
    ...(sticky === undefined ? {} : { 'X-Orama-Sticky': sticky }),
    ...(maxAgeSeconds === undefined ? {} : { 'X-Max-Age-Seconds': String(maxAgeSeconds) }),
  };
}
