/// <reference path="./globals.d.ts" />

/** A row by column name. Integers beyond 2^53 are bigints, blobs are `Uint8Array`. */
export type Row = Record<string, unknown>;

export interface DatabaseResult<T = Row> {
  success: true;
  results: T[];
  meta: { changes: number; rows_read: number };
}

export type SqlValue = string | number | bigint | boolean | null | undefined | ArrayBuffer | ArrayBufferView;

export interface Statement {
  /** Returns the statement with a value for each `?`. */
  bind(...values: SqlValue[]): Statement;
  all<T = Row>(): Promise<DatabaseResult<T>>;
  /** Resolves with the first row, or with one column of it; null if there is none. */
  first<T = Row>(): Promise<T | null>;
  first<T = unknown>(column: string): Promise<T | null>;
  run<T = Row>(): Promise<DatabaseResult<T>>;
  /** Resolves with the rows as arrays of values. */
  raw<T extends unknown[] = unknown[]>(options?: { columnNames?: boolean }): Promise<T[]>;
}

/** The namespace's SQLite database, with the API of Cloudflare D1. */
export interface Database {
  prepare(sql: string): Statement;
  /** Runs the statements one after another; not a transaction. */
  batch<T = Row>(statements: readonly Statement[]): Promise<DatabaseResult<T>[]>;
}

/** The namespace's cache, with the API of Cloudflare KV. */
export interface Cache {
  get(key: string, type?: 'text' | { type: 'text' }): Promise<string | null>;
  get<T = unknown>(key: string, type: 'json' | { type: 'json' }): Promise<T | null>;
  get(key: string, type: 'arrayBuffer' | { type: 'arrayBuffer' }): Promise<ArrayBuffer | null>;
  get(key: string, type: 'stream' | { type: 'stream' }): Promise<ReadableStream<Uint8Array> | null>;
  /**
   * Stores a value. It expires after `expirationTtl` seconds, or at `expiration` (seconds since
   * 1970); without both it does not expire.
   */
  put(
    key: string,
    value: string | ArrayBuffer | ArrayBufferView | ReadableStream | Blob,
    options?: { expirationTtl?: number; expiration?: number },
  ): Promise<void>;
  /** Resolves with whether the key existed. */
  delete(key: string): Promise<boolean>;
  /**
   * Adds to a counter atomically; a missing key counts as 0. Resolves with the new value, a bigint
   * beyond 2^53.
   */
  increment(key: string, by?: number): Promise<number | bigint>;
}

export interface StoredObject {
  readonly cid: string;
  readonly size: number;
  text(): Promise<string>;
  json<T = unknown>(): Promise<T>;
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** Content-addressed storage. Only blobs that this namespace has stored can be read. */
export interface Storage {
  put(data: string | ArrayBuffer | ArrayBufferView | ReadableStream | Blob): Promise<string>;
  get(cid: string): Promise<StoredObject | null>;
}

export interface Secrets {
  get(name: string): Promise<string | null>;
}

export interface Bindings {
  readonly DB: Database;
  readonly CACHE: Cache;
  readonly STORAGE: Storage;
  readonly SECRETS: Secrets;
  /** Publishes a message; it is durable when the promise resolves. */
  publish(topic: string, data?: unknown): Promise<void>;
  /** Enqueues an invocation after `delay` seconds. Resolves with its id. */
  enqueue(name: string, payload?: unknown, options?: { delay?: number }): Promise<string>;
}

/**
 * The environment of a handler: the bindings, and the values of `env` in function.yaml, e.g. `Env<{
 * GREETING: string }>`.
 */
export type Env<Settings extends Record<string, string | undefined> = Record<never, string>> = Bindings &
  Readonly<Settings>;

/** The request of an HTTP function as the engine received it. */
export interface HttpInfo {
  readonly method: string;
  readonly url: string;
  readonly path: string;
  readonly query: Readonly<Record<string, readonly string[]>>;
  /** Parameters of the route, e.g. `{"id": "7"}` for `/users/{id}`. */
  readonly params: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly remote_address: string;
  readonly namespace: string;
  /** The matched route of function.yaml; null for the function's own address. */
  readonly route: string | null;
}

export interface Context {
  readonly requestId: string;
  /** Number of the attempt, starting at 1. */
  readonly attempt: number;
  /** The wallet of the caller's JWT; empty without one. */
  readonly wallet: string;
  readonly namespace: string;
  readonly function: string;
  readonly version: number;
  /** Null if the invocation was not triggered by an HTTP request. */
  readonly http: HttpInfo | null;
  /**
   * Keeps the invocation running, and its output from being sent, until the promise has settled.
   */
  waitUntil(promise: Promise<unknown>): void;
  passThroughOnException(): void;
}

export interface TopicEvent<Data = unknown> {
  readonly topic: string;
  readonly data: Data;
  readonly namespace: string;
  readonly trigger_depth: number;
  /** Unix seconds. */
  readonly timestamp: number;
}

export interface CronEvent {
  readonly cron: string;
  /** RFC 3339. */
  readonly scheduled_at: string;
  /** The scheduled time in Unix milliseconds. */
  readonly scheduledTime: number;
  readonly namespace: string;
  readonly trigger_depth: number;
  readonly timestamp: number;
}

/** The default export of a function; all handlers are optional. */
export interface Handlers<E = Env, Data = unknown> {
  fetch?(request: Request, env: E, ctx: Context): Response | Promise<Response>;
  event?(event: TopicEvent<Data>, env: E, ctx: Context): unknown;
  scheduled?(event: CronEvent, env: E, ctx: Context): unknown;
}

/**
 * Ends the invocation with an exit code of 64 to 78 (default 65), which prevents a retry; for
 * invalid input.
 */
export class NonRetryableError extends Error {
  constructor(message?: string, options?: { cause?: unknown; exitCode?: number });
  readonly exitCode: number;
}

export const env: Bindings & { readonly [name: string]: unknown };
export const ctx: Context;
export const DB: Database;
export const CACHE: Cache;
export const STORAGE: Storage;
export const SECRETS: Secrets;
export function publish(topic: string, data?: unknown): Promise<void>;
export function enqueue(name: string, payload?: unknown, options?: { delay?: number }): Promise<string>;
