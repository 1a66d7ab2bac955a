import * as z from 'zod';
import { AppError } from '../errors.js';
import type { Settings } from './config.js';
import { failure, unreachable } from './failure.js';
import { type RawReply, requestWithoutTimeout } from './request-without-timeout.js';
import { readEvents, type ServerEvent } from './server-events.js';

export type QueryParameters = Readonly<Record<string, string | number | undefined>>;

type DeployFields = Readonly<Record<string, string>>;

export interface RequestOptions {
  query?: QueryParameters;
  json?: unknown;
  /** JSON text that is sent verbatim as the body, instead of `json`. */
  jsonText?: string;
  headers?: Readonly<Record<string, string>>;
  signal?: AbortSignal;
}

export interface InvokeOptions {
  version?: number;
  async?: boolean;
  /** Seconds; only for async invocations. */
  delay?: number;
  idempotencyKey?: string;
}

/** The result of an invocation that did not fail: completed, or queued. */
export type InvokeReply =
  | {
      kind: 'done';
      requestId: string;
      output: Uint8Array;
      durationMs: number;
      attempts: number;
      version: number;
    }
  | { kind: 'queued'; requestId: string };

/**
 * Client of the HTTP API (contract §4), as the CLI uses it. Every method throws an AppError with a
 * readable message.
 */
export interface Client {
  readonly settings: Settings;
  /** Sends a request and returns the parsed JSON response. */
  call(method: string, path: string, options?: RequestOptions): Promise<unknown>;
  /** Sends a GET request and returns the bytes of the response. */
  bytes(path: string): Promise<Uint8Array>;
  deploy(fields: DeployFields, wasm: Uint8Array): Promise<unknown>;
  /** Validates a deploy as the server would, without storing anything. */
  checkDeploy(fields: DeployFields, wasm: Uint8Array): Promise<unknown>;
  invoke(name: string, input: Uint8Array, options: InvokeOptions): Promise<InvokeReply>;
  /**
   * Subscribes to server-sent events. Resolves with null if the response has another media type.
   */
  follow(
    path: string,
    query: QueryParameters,
    signal: AbortSignal,
    lastId?: string,
  ): Promise<AsyncIterable<ServerEvent> | null>;
}

const queuedSchema = z.object({ request_id: z.string() });

export function createClient(settings: Settings): Client {
  return new HttpClient(settings);
}

class HttpClient implements Client {
  readonly settings: Settings;
  readonly #credentials: Record<string, string>;

  constructor(settings: Settings) {
    this.settings = settings;
    this.#credentials = settings.apiKey === undefined ? {} : { 'X-API-Key': settings.apiKey };
  }

  async call(
    method: string,
    path: string,
    { query, json, jsonText, headers, ...options }: RequestOptions = {},
  ): Promise<unknown> {
    const { signal = null } = options;
    const body = jsonText ?? (json === undefined ? undefined : JSON.stringify(json));
    if (body === undefined)
      return this.#json(await this.#send(this.#address(path, query), { method, signal }, headers));
    const typed = { ...headers, 'Content-Type': 'application/json' };
    return this.#json(await this.#send(this.#address(path, query), { method, body, signal }, typed));
  }

  async bytes(path: string): Promise<Uint8Array> {
    const response = await this.#send(this.#address(path), {});
    if (!response.ok) throw failure(response.status, await this.#text(response), null);
    return new Uint8Array(await this.#whole(response.arrayBuffer()));
  }

  async deploy(fields: DeployFields, wasm: Uint8Array): Promise<unknown> {
    const body = deployForm(fields, wasm);
    return this.#json(await this.#send(this.#address('/v1/functions'), { method: 'POST', body }));
  }

  async checkDeploy(fields: DeployFields, wasm: Uint8Array): Promise<unknown> {
    const body = deployForm(fields, wasm);
    return this.#json(
      await this.#send(this.#address('/v1/functions', { dry_run: 'true' }), { method: 'POST', body }),
    );
  }

  async invoke(name: string, input: Uint8Array, options: InvokeOptions): Promise<InvokeReply> {
    const target = options.version === undefined ? name : `${name}@${options.version}`;
    const url = this.#address(`/v1/functions/${encodeURIComponent(target)}/invoke`);
    const headers = { ...this.#credentials, ...invokeHeaders(options) };
    const reply = await requestWithoutTimeout({ url, method: 'POST', headers, body: input });
    if (reply.status >= 400) throw failure(reply.status, reply.body.toString(), reply.header('retry-after'));
    return invokeReply(reply);
  }

  async follow(
    path: string,
    query: QueryParameters,
    signal: AbortSignal,
    lastId?: string,
  ): Promise<AsyncIterable<ServerEvent> | null> {
    const headers: Record<string, string> = { Accept: 'text/event-stream' };
    if (lastId !== undefined) headers['Last-Event-ID'] = lastId;
    const response = await this.#send(this.#address(path, { ...query, follow: 'true' }), { signal }, headers);
    if (!response.ok) throw failure(response.status, await this.#text(response), null);
    const streams = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
    // In Node 20, the signal passed to fetch has no effect after the request object has been
    // garbage-collected, although the body is still being read.
    if (streams && response.body !== null) {
      return readEvents(response.body.pipeThrough(new TransformStream<Uint8Array, Uint8Array>(), { signal }));
    }
    await response.body?.cancel();
    return null;
  }

  async #json(response: Response): Promise<unknown> {
    const text = await this.#text(response);
    if (!response.ok) throw failure(response.status, text, response.headers.get('retry-after'));
    try {
      return JSON.parse(text);
    } catch {
      throw failure(502, text, null);
    }
  }

  #text(response: Response): Promise<string> {
    return this.#whole(response.text());
  }

  /** Waits for the body of a response, whose connection may break before its end. */
  async #whole<T>(body: Promise<T>): Promise<T> {
    try {
      return await body;
    } catch (cause) {
      throw unreachable(this.settings.url, cause);
    }
  }

  #address(path: string, query: QueryParameters = {}): URL {
    const url = new URL(this.settings.url + path);
    // URL parsing resolves "." and "..": deleting the trigger ".." would delete its function.
    if (!url.pathname.endsWith(path) || /\/(\/|$)/.test(path)) {
      throw new AppError('invalid_request', 'A name or an id may not be empty, "." or ".."');
    }
    if (this.settings.namespace !== undefined) url.searchParams.set('namespace', this.settings.namespace);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    return url;
  }

  async #send(url: URL, init: RequestInit, headers: Record<string, string> = {}): Promise<Response> {
    try {
      return await fetch(url, { redirect: 'error', ...init, headers: { ...this.#credentials, ...headers } });
    } catch (cause) {
      throw unreachable(this.settings.url, cause);
    }
  }
}

function invokeReply(reply: RawReply): InvokeReply {
  if (reply.status === 202) {
    const queued = queuedSchema.parse(JSON.parse(reply.body.toString()));
    return { kind: 'queued', requestId: queued.request_id };
  }
  const requestId = reply.header('x-request-id');
  const version = reply.header('x-function-version');
  // Another server may answer 200 to anything, also with an id of the request.
  if (requestId === undefined || version === undefined) throw failure(reply.status, '', null);
  return {
    kind: 'done',
    requestId,
    output: reply.body,
    durationMs: Number(reply.header('x-duration-ms') ?? 0),
    attempts: Number(reply.header('x-attempts') ?? 1),
    version: Number(version),
  };
}

function deployForm(fields: DeployFields, wasm: Uint8Array): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  form.set('wasm', new Blob([new Uint8Array(wasm)], { type: 'application/wasm' }), 'function.wasm');
  return form;
}

function invokeHeaders(options: InvokeOptions): Record<string, string> {
  return {
    // The output as raw bytes: the JSON envelope would change them.
    Accept: 'application/octet-stream',
    'Content-Type': 'application/octet-stream',
    ...(options.async ? { Prefer: 'respond-async' } : {}),
    ...(options.delay === undefined ? {} : { 'X-Delay-Seconds': String(options.delay) }),
    ...(options.idempotencyKey === undefined ? {} : { 'Idempotency-Key': options.idempotencyKey }),
  };
}
