import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { parseResponse, type RqliteResponse } from './decode.js';
import { RqliteError } from './errors.js';

export interface RqliteTransportOptions {
  /**
   * The nodes of one cluster, such as `http://user:password@host:4001`. Every node forwards
   * requests to the leader.
   */
  urls: readonly string[];
  /**
   * How long a request is retried while no node accepts it, in milliseconds, counted from the start
   * of the outage.
   */
  retryForMs?: number;
  /**
   * The timeout of a response, in milliseconds; must exceed the duration of the slowest statement.
   */
  requestTimeoutMs?: number;
  connectTimeoutMs?: number;
  /** The number of concurrent connections per node. */
  connections?: number;
}

export interface RequestOptions {
  /**
   * Whether the request may be executed twice with the same effect, so that it is repeated when a
   * response is lost.
   */
  idempotent: boolean;
  signal?: AbortSignal;
  /** Overrides `requestTimeoutMs`. */
  timeoutMs?: number;
  maxResponseBytes?: number;
}

/**
 * A failed attempt: `untouched`: the request was definitely not executed; `lost`: it may have been
 * executed.
 */
type FailedRequest = { kind: 'untouched' | 'lost'; error: RqliteError };

/** Network errors that occur before anything was sent. */
const NOT_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/**
 * Errors of a whole request (status 200, top-level `error`) that prove that nothing was applied.
 * `dial tcp`: a follower cannot reach the node that it believes to be the leader, and has thus
 * forwarded nothing.
 */
const NOT_APPLIED =
  /^(leader not found|not leader|node is not the leader|store not (open|ready)|leadership transfer in progress|timed out enqueuing operation|dial tcp)/i;

const FIRST_WAIT_MS = 20;
const LONGEST_WAIT_MS = 500;
/** A failure after this time without failures, in milliseconds, starts a new outage. */
const NEW_OUTAGE_MS = 30_000;

/**
 * Sends requests to the nodes of a cluster. It uses one node until that node fails. A request that
 * was definitely not executed is retried on the next node; one that may have been executed is
 * retried only if it is idempotent.
 */
export class RqliteTransport {
  readonly #pools: readonly Pool[];
  readonly #headers: readonly Record<string, string>[];
  /** The path prefixes of nodes behind a proxy that distinguishes them by path. */
  readonly #prefixes: readonly string[];
  readonly #retryForMs: number;
  readonly #requestTimeoutMs: number;
  #current = 0;
  /**
   * The start of the current outage. After `retryForMs`, requests fail at once instead of piling
   * up.
   */
  #downSince: number | null = null;
  #lastFailure = 0;
  #closing: Promise<void> | null = null;

  constructor(options: RqliteTransportOptions) {
    const {
      urls,
      retryForMs = 10_000,
      requestTimeoutMs = 30_000,
      connectTimeoutMs = 1_000,
      connections = 64,
    } = options;
    if (urls.length === 0) throw new RqliteError('RQLITE_REFUSED', 'no URL of an rqlite node was given');
    const nodes = urls.map((url) => new URL(url));
    this.#pools = nodes.map(
      ({ origin }) =>
        new Pool(origin, { connections, keepAliveTimeout: 30_000, connect: { timeout: connectTimeoutMs } }),
    );
    this.#headers = nodes.map((node) => ({ 'content-type': 'application/json', ...authorization(node) }));
    this.#prefixes = nodes.map(({ pathname }) => pathname.replace(/\/+$/, ''));
    this.#retryForMs = retryForMs;
    this.#requestTimeoutMs = requestTimeoutMs;
  }

  async post(path: string, body: string, options: RequestOptions): Promise<RqliteResponse> {
    let wait = FIRST_WAIT_MS;
    for (let attempts = 1; ; attempts += 1) {
      const node = this.#current;
      const outcome = await this.#attempt(node, path, body, options);
      if (!('kind' in outcome)) {
        this.#downSince = null;
        return outcome;
      }
      const { kind, error } = outcome;
      if (options.signal?.aborted)
        throw new RqliteError('RQLITE_ABORTED', 'the request was aborted', { cause: error });
      if (kind === 'lost' && !options.idempotent) {
        throw new RqliteError('RQLITE_AMBIGUOUS', `the write was sent and the answer lost: ${error.reason}`, {
          cause: error,
        });
      }
      if (this.#current === node) this.#current = (node + 1) % this.#pools.length;
      this.#noteFailure(performance.now());
      const triedAll = attempts >= this.#pools.length;
      if (triedAll && performance.now() - (this.#downSince ?? 0) >= this.#retryForMs) throw error;
      // Jitter, because requests that failed together when a node died must not be retried at the
      // same time.
      if (triedAll) await sleep(wait * (0.5 + Math.random()));
      if (triedAll) wait = Math.min(wait * 1.6, LONGEST_WAIT_MS);
    }
  }

  close(): Promise<void> {
    this.#closing ??= Promise.all(this.#pools.map((pool) => pool.destroy())).then(() => undefined);
    return this.#closing;
  }

  /**
   * A response ends an outage; an outage without requests for a long time may have ended unnoticed.
   */
  #noteFailure(now: number): void {
    if (this.#downSince === null || now - this.#lastFailure > NEW_OUTAGE_MS) this.#downSince = now;
    this.#lastFailure = now;
  }

  async #attempt(
    node: number,
    path: string,
    body: string,
    {
      signal,
      timeoutMs = this.#requestTimeoutMs,
      maxResponseBytes = Number.POSITIVE_INFINITY,
    }: RequestOptions,
  ): Promise<RqliteResponse | FailedRequest> {
    try {
      const response = await this.#pools[node]?.request({
        method: 'POST',
        path: `${this.#prefixes[node] ?? ''}${path}`,
        body,
        headers: this.#headers[node] ?? {},
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
        signal: signal ?? null,
      });
      if (response === undefined) throw new RqliteError('RQLITE_REFUSED', `there is no node ${node}`);
      const text = await read(response.body, maxResponseBytes);
      return interpret(response.statusCode, text);
    } catch (cause) {
      // Not a network error: the server has responded with an error.
      if (cause instanceof RqliteError) throw cause;
      const { code = '', message } = cause as { code?: string; message: string };
      const error = new RqliteError('RQLITE_UNAVAILABLE', message || code, { cause });
      return { kind: NOT_SENT.has(code) ? 'untouched' : 'lost', error };
    }
  }
}

function interpret(status: number, text: string): RqliteResponse | FailedRequest {
  if (status === 503) return { kind: 'untouched', error: new RqliteError('RQLITE_UNAVAILABLE', text.trim()) };
  if (status === 401)
    throw new RqliteError('RQLITE_UNAUTHORIZED', 'the server does not accept the credentials in the URL');
  if (status !== 200)
    throw new RqliteError('RQLITE_REFUSED', `the server responded with status ${status}: ${text.trim()}`);
  const response = parseResponse(text);
  if (response.error === undefined) return response;
  const error = new RqliteError('RQLITE_UNAVAILABLE', response.error);
  return { kind: NOT_APPLIED.test(response.error) ? 'untouched' : 'lost', error };
}

async function read(body: AsyncIterable<Buffer>, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maxBytes)
      throw new RqliteError('RQLITE_TOO_LARGE', `the answer is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Returns the Authorization header for the credentials of a URL; none without credentials. */
export function authorization({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}
