import { decodeBase64 } from './base64.js';
import { type ErrorCode, FunctionError, isOfCertificate, OramaError } from './errors.js';
import { headerFields } from './request.js';
import { sleep } from './sleep.js';

export type FetchLike = (url: string, init: RequestInit) => Promise<Response>;
export type Query = Readonly<Record<string, string | number | undefined>>;

export interface Call {
  method: string;
  path: string;
  query?: Query;
  headers?: Readonly<Record<string, string>>;
  body?: string | Uint8Array;
  /**
   * Whether the call may be sent again if there is no response, in which case it may have been
   * received: true for reads and for calls with an idempotency key.
   */
  repeatable: boolean;
  /** When the caller no longer waits, by `Date.now()`: the last retry is sent then. */
  deadline?: number;
  /** Timeout of the response, if it is longer than that of the client. */
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
}

/** A whole response. */
export interface Reply {
  status: number;
  headers: Headers;
  bytes: Uint8Array;
}

export interface Http {
  /** Timeout of a response in milliseconds. */
  readonly timeoutMs: number;
  /** Sends a call with retries where these are safe. Throws the engine's errors. */
  send(call: Call): Promise<Reply>;
  json<T>(call: Call): Promise<T>;
}

export interface HttpOptions {
  url: string;
  headers: Readonly<Record<string, string>>;
  namespace: string | undefined;
  fetch: FetchLike;
  retries: number;
  timeoutMs: number;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
/** Rates are counted by the minute. A quota may be used up for hours, which are not waited for. */
const LONGEST_RETRY_AFTER_SECONDS = 60;

export function createHttp(options: HttpOptions): Http {
  const { url, namespace, fetch, retries } = options;
  const credentials = headerFields(options.headers);

  function address(path: string, query: Query = {}): string {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries({ namespace, ...query })) {
      if (value !== undefined) parameters.set(name, String(value));
    }
    return `${url}${path}${parameters.size === 0 ? '' : `?${parameters}`}`;
  }

  async function attempt(call: Call): Promise<Reply> {
    const timeoutMs = Math.max(options.timeoutMs, call.timeoutMs ?? 0);
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = call.signal === undefined ? timeout : AbortSignal.any([call.signal, timeout]);
    // Before `try`, so that a wrong argument is thrown as it is, and at once.
    const to = address(call.path, call.query);
    const init: RequestInit = {
      method: call.method,
      headers: { ...credentials, ...headerFields(call.headers ?? {}) },
      // Workers refuse 'error'.
      redirect: 'manual',
      signal,
      ...(call.body === undefined ? {} : { body: call.body as NonNullable<RequestInit['body']> }),
    };
    let response: Response;
    let bytes: Uint8Array;
    try {
      response = await fetch(to, init);
      // Here, so that a connection that breaks before the end is no response, either.
      bytes = new Uint8Array(await response.arrayBuffer());
    } catch (cause) {
      if (call.signal?.aborted) throw cause;
      const why = timeout.aborted ? `within ${timeoutMs} ms` : `(${messageOf(cause)})`;
      throw new OramaError(`The engine at ${url} did not answer ${why}`, {
        code: 'unreachable',
        status: 0,
        cause,
      });
    }
    const { status, headers: received, ok } = response;
    // Browsers do not show the status of a redirect.
    if (response.type === 'opaqueredirect') {
      const sentence = `The server at ${url} answered with a redirect; is the address right?`;
      throw new OramaError(sentence, { code: 'internal', status });
    }
    if (!ok) throw failure({ status, headers: received, bytes });
    return { status, headers: received, bytes };
  }

  async function send(call: Call): Promise<Reply> {
    // fetch resolves "." and "..": purging the function "." would delete the function "dead".
    if (/\/\.{0,2}(\/|$)/.test(call.path)) {
      const sentence = 'A name or an id may not be empty, "." or ".."';
      throw new OramaError(sentence, { code: 'invalid_request', status: 0 });
    }
    for (let tried = 0; ; tried += 1) {
      try {
        return await attempt(call);
      } catch (error) {
        if (tried >= retries || !(error instanceof OramaError) || !mayRepeat(error, call)) throw error;
        const left = (call.deadline ?? Number.POSITIVE_INFINITY) - Date.now();
        if (left <= 0) throw error;
        await sleep(Math.min(pauseBefore(tried, error.retryAfter), left), call.signal);
      }
    }
  }

  return {
    timeoutMs: options.timeoutMs,
    send,
    async json<T>(call: Call): Promise<T> {
      return jsonOf<T>(await send(call));
    },
  };
}

/**
 * After 429, and after 503 of the engine, nothing was accepted, except if the store has not reported
 * whether a write took place. 502, 503 and 504 of a proxy mean that the engine did not answer it.
 */
function mayRepeat(error: OramaError, { repeatable }: Call): boolean {
  const { code, status } = error;
  if (!isShort(error) || isOfCertificate(error)) return false;
  const isOfProxy = status === 502 || ((status === 503 || status === 504) && code === 'internal');
  if (code === 'unreachable' || isOfProxy) return repeatable;
  return status === 429 || (status === 503 && (repeatable || code !== 'ambiguous_write'));
}

/** Returns whether a refusal ends soon enough to wait for it. */
export function isShort({ retryAfter = 0 }: OramaError): boolean {
  return retryAfter <= LONGEST_RETRY_AFTER_SECONDS;
}

/**
 * Uses the engine's Retry-After, or else exponential backoff; with jitter, to spread concurrent
 * callers.
 */
export function pauseBefore(tried: number, retryAfter: number | undefined): number {
  const backoff = Math.min(FIRST_PAUSE_MS * 2 ** tried, LONGEST_PAUSE_MS);
  return (retryAfter === undefined ? backoff : retryAfter * 1000) * (1 + Math.random() / 4);
}

interface FailureBody {
  error?: unknown;
  code?: unknown;
  status?: unknown;
  request_id?: unknown;
  output?: unknown;
  output_base64?: unknown;
}

/** Codes of responses without one. 503 has none: a proxy's does not say what the engine accepted. */
const STATUS_CODES = new Map<number, ErrorCode>([
  [401, 'unauthorized'],
  [403, 'forbidden'],
  [404, 'not_found'],
  [409, 'conflict'],
  [413, 'payload_too_large'],
  [429, 'rate_limited'],
]);
export const OF_FUNCTIONS = new Set<unknown>([
  'function_error',
  'function_refused',
  'function_timeout',
  'expired',
  'worker_died',
  'cancelled',
]);

function failure(reply: Reply): OramaError {
  const parsed = parse(textOf(reply));
  const body: FailureBody = typeof parsed === 'object' && parsed !== null ? parsed : {};
  const { status, headers } = reply;
  const message = typeof body.error === 'string' ? body.error : notFromThisApi(status).message;
  const code = (
    typeof body.code === 'string' ? body.code : (STATUS_CODES.get(status) ?? 'internal')
  ) as ErrorCode;
  const wait = Number(headers.get('retry-after') ?? Number.NaN);
  const details = {
    code,
    status,
    requestId:
      typeof body.request_id === 'string' ? body.request_id : (headers.get('x-request-id') ?? undefined),
    retryAfter: Number.isNaN(wait) ? undefined : wait,
  };
  return OF_FUNCTIONS.has(code)
    ? new FunctionError(message, details, outputOf(body))
    : new OramaError(message, details);
}

/** Decodes `output` or `output_base64` of a response. */
export function outputOf({ output, output_base64: base64 }: FailureBody): Uint8Array | undefined {
  if (typeof base64 === 'string') return decodeBase64(base64);
  return typeof output === 'string' ? new TextEncoder().encode(output) : undefined;
}

function textOf({ bytes }: Reply): string {
  return new TextDecoder().decode(bytes);
}

/** Parses a response. Throws if it is not JSON, and hence from another server. */
function jsonOf<T>(reply: Reply): T {
  const value = parse(textOf(reply));
  if (value === undefined) throw notFromThisApi(reply.status);
  return value as T;
}

/** Parses JSON. Returns undefined if it is invalid. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function notFromThisApi(status: number): OramaError {
  const sentence = `The server answered ${status} with a response that is not from this API; is the address right?`;
  return new OramaError(sentence, { code: 'internal', status });
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
