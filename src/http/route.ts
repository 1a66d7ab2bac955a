import type { Readable } from 'node:stream';
import type { Context } from 'koa';
import type * as z from 'zod';
import type { BufferReservation } from '../concurrency/buffer-budget.js';
import type { RequestId } from '../contract/ids.js';
import type { Scope } from '../contract/scope-names.js';
import type { Actor, Principal } from '../core/auth/principal.js';
import type { AppError, ErrorCode } from '../errors.js';
import type { Access, Caller, OtherNamespaces } from './admission/admission.js';
import type { UploadedFile } from './request/form-parser.js';
import type { LargeReplies } from './response/large-replies.js';
import type { SendToFunctions } from './send-to-functions.js';
import type { Services } from './services.js';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

type ObjectSchema = z.ZodObject;
type Parsed<S> = S extends z.ZodType ? z.output<S> : Record<string, never>;

/**
 * How a request's body is read. With `isQueued`, it becomes input of jobs, which the queue
 * accounts; any other body is accounted until the request has been answered.
 */
export type BodySpec =
  /**
   * With `exactIntegers`, integers beyond 2^53 are bigints instead of rounded numbers. With
   * `keepsText`, the handler gets the text of the body too.
   */
  | {
      kind: 'json';
      schema: z.ZodType;
      /** Example for the docs; a test validates it against the schema. */
      example: unknown;
      maxBytes?: number;
      optional?: boolean;
      exactIntegers?: boolean;
      isQueued?: true;
      keepsText?: true;
    }
  /** Any content type; the unmodified bytes. */
  | { kind: 'raw'; maxBytes: number; description: string; example: string; isQueued?: true }
  /**
   * One file with text fields. Of `fields`, only a `namespace` is checked here, and the rest is for
   * the docs: the handler parses the fields.
   */
  | {
      kind: 'multipart';
      file: string;
      maxFileBytes: number;
      fields: z.ZodObject;
      example: Readonly<Record<string, string>>;
      isQueued?: undefined;
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

export interface ResponseSpec {
  description: string;
  /** Schema of a JSON body. */
  schema?: z.ZodType;
  /** Content types other than JSON, with a description of their content. */
  types?: Record<string, string>;
  headers?: Record<string, string>;
}

export interface Call<U extends keyof Services, A extends Access, P, Q, H, B> {
  services: Pick<Services, U>;
  /** Namespace of the credential; for an anonymous call the requested one. */
  namespace: Principal['namespace'];
  principal: A extends 'required' ? Principal : Principal | null;
  params: Parsed<P>;
  query: Parsed<Q>;
  headers: Parsed<H>;
  body: BodyOf<B>;
  /** The JSON body as sent, for values that are passed on verbatim; empty without `keepsText`. */
  bodyText: string;
  ctx: Context;
  /**
   * Returns the caller with a request id, which the response contains as X-Request-ID, for the
   * audit log.
   */
  actor(): Actor;
  /** Counts uses beyond the first one, which has already been counted, against the same limit. */
  countUse: Caller['countUse'];
  /**
   * Reads a large response into memory, of which it accounts `bytes`; `send` accounts all others.
   * Throws if they exceed the budget of the namespace.
   */
  readReply<T>(bytes: number, read: () => Promise<T>): Promise<T>;
  /** Returns a reservation of the namespace's memory for the events of a stream. */
  streamReservation(): BufferReservation;
  /** Limits what streams read at once. */
  largeReplies: LargeReplies;
  /** Sends a request to an HTTP function of this engine. */
  sendToFunctions: SendToFunctions;
  /** Aborted when the server stops; ends streaming responses. */
  stopping: AbortSignal;
}

/** The result of a handler. Without `json`, `jsonText` or `bytes` the response has no body. */
export interface RouteResponse {
  status: number;
  headers?: Record<string, string>;
  json?: unknown;
  /** A JSON body that is already serialized. */
  jsonText?: string;
  bytes?: Uint8Array | Readable | string;
  /** Content type of `bytes`. */
  type?: string;
  /**
   * The ended invocation whose reply this is: if there is no memory for it, the client gets 202 and
   * reads the result later.
   */
  ended?: { id: RequestId };
  /**
   * The invocation that the request was carried out by; named if there is no memory for the reply.
   */
  carriedOutBy?: RequestId | null;
}

export interface RouteSpec<U extends keyof Services, A extends Access, P, Q, H, B> {
  /** Operation id in the OpenAPI document: a verb and its object, such as `listInvocations`. */
  operationId: string;
  method: Method;
  /** Path in OpenAPI notation: `/v1/functions/{name}`. */
  path: string;
  tag: string;
  summary: string;
  description?: string;
  access: A;
  /**
   * Required scope of the key; null if any credential is accepted. For scopes that can be
   * restricted to functions, the path's `{name}` is checked against the key's functions as well.
   */
  scope: Scope | null;
  params?: P;
  /** Unknown keys are ignored unless the schema is strict. */
  query?: Q;
  headers?: H;
  /** Without it, a body must be empty or `{}`; that of a GET is not read. */
  body?: B;
  /**
   * True: a body is not read, because clients of other systems send fields that mean nothing here.
   */
  ignoresBody?: boolean;
  /** Responses by status, without errors of authentication, limits and parsing. */
  responses: Record<number, ResponseSpec>;
  /** Error codes that the handler throws. */
  errors?: readonly ErrorCode[];
  /** Default: `nobody`. */
  otherNamespaces?: OtherNamespaces;
  /** False: does not count against the rate limit of anonymous calls. */
  limited?: boolean;
  /** Returns additional fields of error responses. */
  refusal?(ctx: Context, error: AppError): Record<string, unknown>;
  /** Checks that do not need the body; called before it is read, and after one that took time. */
  authorize?(call: Omit<Call<U, A, P, Q, H, B>, 'body'>): Promise<void>;
  /** A hot route: its small, latency-critical responses are not compressed. */
  hot?: boolean;
  /** True: a POST that changes nothing, and which may be repeated if its reply finds no memory. */
  isRead?: boolean;
  /** The response is a list of up to several megabytes: see `LargeReplies`. */
  list?: boolean;
  handle(call: Call<U, A, P, Q, H, B>): Promise<RouteResponse>;
}

/** A route after its handler's types have been checked against its schemas and erased. */
export type Route = RouteSpec<
  never,
  Access,
  ObjectSchema | undefined,
  ObjectSchema | undefined,
  ObjectSchema | undefined,
  BodySpec
> & {
  authorize?(call: unknown): Promise<void>;
  handle(call: unknown): Promise<RouteResponse>;
};

/**
 * Returns the function by which a module defines its endpoints, whose handlers use only the named
 * services. The router, /openapi.json and /docs are derived from the endpoints. TypeScript infers
 * either all type parameters of a call or none, so the services are named in a call of their own.
 */
export function routeUsing<U extends keyof Services>() {
  function route<
    A extends Access,
    P extends ObjectSchema | undefined = undefined,
    Q extends ObjectSchema | undefined = undefined,
    H extends ObjectSchema | undefined = undefined,
    B extends BodySpec | undefined = undefined,
  >(spec: RouteSpec<U, A, P, Q, H, B>): Route;
  // Type erasure is safe: the handler is called only with values that its own schemas have parsed,
  // and with all services.
  function route(spec: Route): Route {
    return spec;
  }
  return route;
}

export function json(status: number, value: unknown, headers?: Record<string, string>): RouteResponse {
  return headers ? { status, json: value, headers } : { status, json: value };
}

/** Answers with JSON text that is sent verbatim. */
export function jsonText(status: number, text: string): RouteResponse {
  return { status, jsonText: text };
}
