import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { AnswerWatch } from '../../../src/concurrency/answer-watch.js';
import { messageOf } from '../../../src/errors.js';
import { nodeErrorCode } from '../../../src/node-error-code.js';
import { parseResponse, type RqliteResponse } from './decode.js';
import { RqliteError } from './errors.js';

export interface RqliteTransportOptions {
  /**
   * The nodes of one cluster, such as `http://user:password@host:4001`. Every node forwards
   * idempotent requests to the leader; other requests are sent to the leader itself.
   */
  urls: readonly string[];
  /**
   * How long a request is retried while no node accepts it, in milliseconds, counted from the start
   * of the outage.
   */
  retryForMs?: number;
  /**
   * The timeout of a response, in milliseconds, of requests without one of their own; must exceed
   * the duration of the slowest statement. A node that answers nothing at all is noticed earlier;
   * see `AnswerWatch`.
   */
  requestTimeoutMs?: number;
  /** The number of concurrent connections per node. */
  connections?: number;
}

/**
 * Parameter of a path whose statements only read: they see every write that was acknowledged
 * before. By default (`weak`) a node that has just become leader, such as the only one after its
 * start, answers before it has applied its log, as if rows of long ago did not exist.
 */
export const CONSISTENT_READ = '&level=linearizable';

export interface RequestOptions {
  /**
   * Whether the request may be executed twice with the same effect, so that it is repeated when a
   * response is lost.
   */
  idempotent: boolean;
  /** Whether it matters to the caller that a request whose response was lost may be executed. */
  writes?: boolean;
  signal?: AbortSignal;
  /** The timeout of a response, in milliseconds; by default that of the transport. */
  timeoutMs?: number;
  maxResponseBytes?: number;
}

/**
 * A failed attempt: `untouched`: the request was definitely not executed; `redirected`: likewise,
 * as the node is not the leader; `lost`: it may have been executed.
 */
interface FailedRequest {
  kind: 'untouched' | 'redirected' | 'lost';
  error: RqliteError;
  /** The origin of the leader's API, if the node has named it. */
  leader?: string;
}

interface Node {
  origin: string;
  pool: Pool;
  /** A connection beside the pool, whose connections may all be in use. */
  spare: Pool;
  watch: AnswerWatch;
  headers: Record<string, string>;
  /** The path prefix of a node behind a proxy that distinguishes them by path. */
  prefix: string;
}

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
 * Not among them is `dial tcp`, with which a follower cannot reach the leader: it has then often
 * sent the request before, on a connection that broke (`retry` in RQLite's cluster/client.go).
 */
const NOT_APPLIED =
  /^(leader not found|not leader|node is not the leader|store not (open|ready)|leadership transfer in progress|timed out enqueuing operation|stale read|index \d+: timeout waiting for fsm)/i;

const CONNECT_TIMEOUT_MS = 1000;
const FIRST_WAIT_MS = 20;
const LONGEST_WAIT_MS = 500;
/** A failure after this time without failures, in milliseconds, starts a new outage. */
const NEW_OUTAGE_MS = 30_000;

/**
 * Sends requests to the nodes of a cluster. It uses one node until that node fails. A request that
 * was definitely not executed is retried on the next node; one that may have been executed is
 * retried only if it is idempotent.
 *
 * Requests that are not idempotent are executed by the leader or redirected to it, because a
 * follower that forwards a request sends it again when the connection breaks, so that it could be
 * executed twice. Only if no configured node is the leader are they forwarded.
 */
export class RqliteTransport {
  readonly #nodes: readonly Node[];
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
    const { urls, retryForMs = 10_000, requestTimeoutMs = 30_000, connections = 64 } = options;
    if (urls.length === 0) throw new RqliteError('RQLITE_REFUSED', 'no URL of an rqlite node was given');
    this.#nodes = urls.map((url) => openNode(new URL(url), connections));
    this.#retryForMs = retryForMs;
    this.#requestTimeoutMs = requestTimeoutMs;
  }

  async post(path: string, body: string, options: RequestOptions): Promise<RqliteResponse> {
    const pathAtLeader = `${path}${path.includes('?') ? '&' : '?'}redirect`;
    let wait = FIRST_WAIT_MS;
    /** How many nodes in turn have named a leader that is not configured. */
    let unknownLeaders = 0;
    let wasLost = false;
    for (let attempts = 1; ; attempts += 1) {
      if (options.signal?.aborted) throw aborted();
      const node = this.#current;
      const startedAt = performance.now();
      const mayForward = options.idempotent || unknownLeaders >= this.#nodes.length;
      const outcome = await this.#attempt(node, mayForward ? path : pathAtLeader, body, options);
      if (!('kind' in outcome)) {
        this.#downSince = null;
        return outcome;
      }
      const { kind, error } = outcome;
      wasLost ||= kind === 'lost';
      if (kind === 'lost' && !options.idempotent) throw ambiguous(error);
      if (options.signal?.aborted) throw aborted(error);
      const leader = this.#nodes.findIndex(({ origin }) => origin === outcome.leader);
      unknownLeaders = kind === 'redirected' && leader < 0 ? unknownLeaders + 1 : 0;
      if (this.#current === node) this.#current = leader < 0 ? (node + 1) % this.#nodes.length : leader;
      const triedAll = attempts >= this.#nodes.length;
      if (kind === 'redirected' && (!triedAll || unknownLeaders >= this.#nodes.length)) continue;
      this.#noteFailure(startedAt);
      if (triedAll && performance.now() - (this.#downSince ?? 0) >= this.#retryForMs)
        throw wasLost && options.writes === true ? ambiguous(error) : error;
      // Jitter, because requests that failed together when a node died must not be retried at the
      // same time.
      if (triedAll) await sleep(wait * (0.5 + Math.random()));
      if (triedAll) wait = Math.min(wait * 1.6, LONGEST_WAIT_MS);
    }
  }

  close(): Promise<void> {
    this.#closing ??= Promise.all(
      this.#nodes.flatMap(({ pool, spare }) => [pool.destroy(), spare.destroy()]),
    ).then(() => undefined);
    return this.#closing;
  }

  /**
   * A response ends an outage; an outage without requests for a long time may have ended unnoticed.
   * It began when the request was sent that failed: the node may have been silent since then.
   */
  #noteFailure(startedAt: number): void {
    const isNew = this.#downSince === null || startedAt - this.#lastFailure > NEW_OUTAGE_MS;
    if (isNew) this.#downSince = startedAt;
    this.#lastFailure = performance.now();
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
    const target = this.#nodes[node];
    if (target === undefined) throw new RqliteError('RQLITE_REFUSED', `there is no node ${node}`);
    try {
      const { status, text, location } = await target.watch.run(async (silent) => {
        const response = await target.pool.request({
          method: 'POST',
          path: target.prefix + path,
          body,
          headers: target.headers,
          headersTimeout: timeoutMs,
          bodyTimeout: timeoutMs,
          signal: signal === undefined ? silent : AbortSignal.any([signal, silent]),
        });
        return {
          status: response.statusCode,
          text: await read(response.body, maxResponseBytes),
          location: String(response.headers.location ?? ''),
        };
      });
      if (status === 301) return redirected(location);
      return interpret(status, text);
    } catch (cause) {
      // Not a network error: the server has responded with an error.
      if (cause instanceof RqliteError) throw cause;
      const code = nodeErrorCode(cause);
      const error = new RqliteError('RQLITE_UNAVAILABLE', messageOf(cause) || code, { cause });
      return { kind: NOT_SENT.has(code) ? 'untouched' : 'lost', error };
    }
  }
}

function openNode(url: URL, connections: number): Node {
  const options = { keepAliveTimeout: 30_000, connect: { timeout: CONNECT_TIMEOUT_MS } };
  const spare = new Pool(url.origin, { ...options, connections: 1 });
  const headers = { 'content-type': 'application/json', ...authorization(url) };
  const prefix = pathPrefix(url);
  const ask = async (signal: AbortSignal) => {
    const path = `${prefix}/readyz?noleader`;
    await (await spare.request({ method: 'GET', path, headers, signal })).body.dump();
  };
  return {
    origin: url.origin,
    pool: new Pool(url.origin, { ...options, connections }),
    spare,
    watch: new AnswerWatch({ ask }),
    headers,
    prefix,
  };
}

function ambiguous(cause: RqliteError): RqliteError {
  return new RqliteError('RQLITE_AMBIGUOUS', `the write was sent and the answer lost: ${cause.reason}`, {
    cause,
  });
}

function aborted(cause?: RqliteError): RqliteError {
  return new RqliteError('RQLITE_ABORTED', 'the request was aborted', { cause });
}

function redirected(location: string): FailedRequest {
  const error = new RqliteError('RQLITE_UNAVAILABLE', 'the node is not the leader');
  if (!URL.canParse(location)) return { kind: 'redirected', error };
  return { kind: 'redirected', error, leader: new URL(location).origin };
}

function interpret(status: number, text: string): RqliteResponse | FailedRequest {
  // A node that is to redirect and knows no leader responds with 500.
  const knowsNoLeader = status === 500 && text.startsWith('leader not found');
  if (status === 503 || knowsNoLeader)
    return { kind: 'untouched', error: new RqliteError('RQLITE_UNAVAILABLE', text.trim()) };
  // A proxy has lost the node, perhaps after it had passed on the request.
  if (status === 502 || status === 504)
    return { kind: 'lost', error: new RqliteError('RQLITE_UNAVAILABLE', `status ${status}: ${text.trim()}`) };
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

/** Returns the path before those of the node's API, without a slash at its end. */
export function pathPrefix({ pathname }: URL): string {
  return pathname.replace(/\/+$/, '');
}

/** Returns the Authorization header for the credentials of a URL; none without credentials. */
export function authorization({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}
