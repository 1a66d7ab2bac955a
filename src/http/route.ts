import type { Readable } from 'node:stream';
import type { Context } from 'koa';
import type { z } from 'zod';
import type { Scope } from '../contract/scopes.js';
import type { Actor, Principal } from '../core/auth/principal.js';
import type { ErrorCode } from '../errors.js';
import type { Caller } from './admission.js';
import type { UploadedFile } from './multipart.js';
import type { SendToFunctions } from './send-to-functions.js';
import type { Services } from './services.js';

/**
 * `open`: a credential is not looked at. `optional`: anonymous calls go on, a wrong credential does
 * not. `required`: anonymous calls are 401.
 */
export type Access = 'open' | 'optional' | 'required';
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

type Shape = z.ZodObject;
type Parsed<S> = S extends z.ZodType ? z.output<S> : Record<string, never>;

/** How a request's body is read. */
export type BodySpec =
  /** With `exactIntegers` an integer beyond 2^53 comes as a bigint instead of rounded. */
  | {
      kind: 'json';
      schema: z.ZodType;
      /** For the docs; a test holds it against the schema. */
      example: unknown;
      maxBytes?: number;
      optional?: boolean;
      exactIntegers?: boolean;
    }
  /** Any content type; the bytes as they come. */
  | { kind: 'raw'; maxBytes: number; about: string; example: string }
  /** One file; fields are text. `schema` is for the docs: the handler reads the fields. */
  | {
      kind: 'multipart';
      file: string;
      maxFileBytes: number;
      fields: z.ZodObject;
      example: Readonly<Record<string, string>>;
    };

export interface MultipartBody {
  file: UploadedFile;
  fields: Record<string, string>;
}

type BodyOf<B> = B extends { kind: 'json'; schema: infer S extends z.ZodType }
  ? z.output<S>
  : B extends { kind: 'raw' }
    ? Uint8Array
    : B extends { kind: 'multipart' }
      ? MultipartBody
      : undefined;

export interface ReplySpec {
  about: string;
  /** Of a JSON body. */
  schema?: z.ZodType;
  /** Content types other than JSON, each with what it carries. */
  types?: Record<string, string>;
  headers?: Record<string, string>;
}

export interface Call<A extends Access, P, Q, H, B> {
  services: Services;
  /** The credential's, or of an anonymous call the one it asks for. */
  namespace: Principal['namespace'];
  principal: A extends 'required' ? Principal : Principal | null;
  params: Parsed<P>;
  query: Parsed<Q>;
  headers: Parsed<H>;
  body: BodyOf<B>;
  /** Of a JSON body, as it was sent: for values that are passed on to the byte. */
  bodyText: string;
  ctx: Context;
  /**
   * Whoever calls, with an id that the reply shows as X-Request-ID: for what is written into the
   * audit log.
   */
  actor(): Actor;
  /**
   * Counts what the request asks for beyond one use, against the limit that it has counted for
   * already.
   */
  countUse: Caller['countUse'];
  /**
   * Called before a large reply is read into memory; throws when the namespace has no room for it.
   */
  holdReply(bytes: number): void;
  /** Sends a request to an HTTP function of this engine. */
  sendToFunctions: SendToFunctions;
  /** Aborted when the server stops: for replies that would not end by themselves. */
  stopping: AbortSignal;
}

/** What a handler answers. Without `json`, `jsonText` or `bytes` the reply has no body. */
export interface Answer {
  status: number;
  headers?: Record<string, string>;
  json?: unknown;
  /** A JSON body that is a text already. */
  jsonText?: string;
  bytes?: Uint8Array | Readable | string;
  /** Content type of `bytes`. */
  type?: string;
}

export interface RouteSpec<A extends Access, P, Q, H, B> {
  /** Of the OpenAPI document: a verb and what it acts on, such as `listInvocations`. */
  operationId: string;
  method: Method;
  /** As OpenAPI writes it: `/v1/functions/{name}`. */
  path: string;
  tag: string;
  summary: string;
  description?: string;
  access: A;
  /**
   * What a key must be allowed to do; null where any credential will do. In the scopes that
   * functions limit, a path's `{name}` is held against the key's functions as well.
   */
  scope: Scope | null;
  params?: P;
  query?: Q;
  headers?: H;
  body?: B;
  /** By status; the errors that access, limits and parsing bring need no mention. */
  replies: Record<number, ReplySpec>;
  /** What its handler refuses with. */
  errors?: readonly ErrorCode[];
  /** True for calls of another namespace's public functions. */
  anyNamespace?: boolean;
  /** False: not counted against the rate limit of anonymous calls. */
  limited?: boolean;
  /** What its refusals carry beside `error` and `code`. */
  refusal?(ctx: Context): Record<string, unknown>;
  /** Refuses what needs no body to be refused: it is called before the body is read. */
  authorize?(call: Omit<Call<A, P, Q, H, B>, 'body'>): Promise<void>;
  /** Not compressed: its reply is often small, and its latency counts. */
  hot?: boolean;
  handle(call: Call<A, P, Q, H, B>): Promise<Answer>;
}

/** A route whose handler's types have been checked against its schemas, and forgotten. */
export type Route = RouteSpec<Access, Shape | undefined, Shape | undefined, Shape | undefined, BodySpec> & {
  authorize?(call: unknown): Promise<void>;
  handle(call: unknown): Promise<Answer>;
};

/** One endpoint: the router, /openapi.json and /docs are all made of it. */
export function route<
  A extends Access,
  P extends Shape | undefined = undefined,
  Q extends Shape | undefined = undefined,
  H extends Shape | undefined = undefined,
  B extends BodySpec | undefined = undefined,
>(spec: RouteSpec<A, P, Q, H, B>): Route;
// The handler is called with what the schemas of its own route have parsed.
export function route(spec: Route): Route {
  return spec;
}

export function json(status: number, value: unknown, headers?: Record<string, string>): Answer {
  return headers ? { status, json: value, headers } : { status, json: value };
}

/** For values that are answered as they were written, to the byte. */
export function jsonText(status: number, text: string): Answer {
  return { status, jsonText: text };
}
