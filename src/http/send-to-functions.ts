import { isUtf8 } from 'node:buffer';
import { type IncomingMessage, type OutgoingHttpHeaders, type RequestOptions, request } from 'node:http';
import type * as z from 'zod';
import type { HttpRequestBody, httpRequestReplySchema } from '../contract/http/http-requests.js';
import { type Namespace, requestIdSchema } from '../contract/ids.js';
import { DEPTH_HEADER } from '../core/invocations/call-depth.js';
import { AppError } from '../errors.js';
import type { ClientAddresses } from './admission/client-address.js';
import { INVOCATION_HEADER } from './http-functions/reply.js';

type HttpRequestReply = z.infer<typeof httpRequestReplySchema>;

/** Where this process serves HTTP functions. */
export interface FunctionsAddress {
  /** URL to connect to, such as `http://127.0.0.1:4001`. */
  url: string;
  /**
   * Returns the host name of a namespace if FUNCTIONS_HOST is set. Otherwise the namespace is part
   * of the path. Throws `invalid_request` for a namespace that no host name can name.
   */
  hostOf?(namespace: Namespace): string;
}

export interface FunctionsCall {
  namespace: Namespace;
  wanted: HttpRequestBody;
  /** The API call, whose credential and depth are passed on. */
  by: IncomingMessage;
  signal: AbortSignal;
}

/**
 * Sends a request to an HTTP function as an external client would, and resolves with the response.
 */
export type SendToFunctions = (call: FunctionsCall) => Promise<HttpRequestReply>;

/** Headers that identify the caller, which only the engine may set here. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  DEPTH_HEADER,
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
]);
/** Headers of the internal connection. */
const HOP_BY_HOP_HEADERS: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'transfer-encoding']);

/**
 * Creates a sender that uses the functions' own listener, so that routes, methods, credentials,
 * signatures, limits and responses are the same as for external clients.
 */
export function createSendToFunctions(
  clients: ClientAddresses,
  address: () => FunctionsAddress,
): SendToFunctions {
  return async ({ namespace, wanted, by, signal }) => {
    const { url, hostOf } = address();
    const { hostname, port } = new URL(url);
    const headers = headersOf(wanted, by, clients.addressOf(by));
    if (hostOf) headers.host = hostOf(namespace);
    const body = bodyOf(wanted);
    if (body !== null) headers['content-length'] = body.byteLength;
    const started = performance.now();
    const { response, bytes } = await exchange(
      {
        method: wanted.method ?? 'GET',
        host: connectable(hostname),
        port,
        path: hostOf ? wanted.path : `/${namespace}${wanted.path}`,
        headers,
        agent: false,
        signal,
      },
      body,
    );
    const isRefused = response.headers[INVOCATION_HEADER.toLowerCase()] === 'none';
    const id = requestIdSchema.safeParse(response.headers['x-request-id']);
    return {
      request_id: id.success && !isRefused ? id.data : null,
      status: response.statusCode ?? 0,
      headers: replyHeaders(response),
      ...(isUtf8(bytes)
        ? { body: bytes.toString('utf8') }
        : { body: null, body_base64: bytes.toString('base64') }),
      duration_ms: Number((performance.now() - started).toFixed(3)),
    };
  };
}

function headersOf(
  { headers: given = {}, anonymous = false }: HttpRequestBody,
  by: IncomingMessage,
  client: string,
): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(given)) {
    const key = name.toLowerCase();
    if (!OWN_HEADERS.has(key)) headers[key] = value;
  }
  headers['x-forwarded-for'] = client;
  const depth = by.headers[DEPTH_HEADER];
  if (depth !== undefined) headers[DEPTH_HEADER] = depth;
  if (!anonymous && headers['x-api-key'] === undefined && headers.authorization === undefined) {
    for (const name of ['x-api-key', 'authorization']) {
      const value = by.headers[name];
      if (value !== undefined) headers[name] = value;
    }
  }
  return headers;
}

function bodyOf({ body, body_base64: base64 }: HttpRequestBody): Buffer | null {
  if (body !== undefined && base64 !== undefined) {
    throw new AppError('invalid_request', 'body and body_base64 exclude each other; send one of them.');
  }
  if (base64 !== undefined) return Buffer.from(base64, 'base64');
  return body === undefined ? null : Buffer.from(body);
}

function exchange(
  options: RequestOptions,
  body: Buffer | null,
): Promise<{ response: IncomingMessage; bytes: Buffer }> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) =>
      reject(
        new AppError('unavailable', 'The address of HTTP functions could not be reached; try again.', {
          cause,
        }),
      );
    const outgoing = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', fail);
      response.once('end', () => resolve({ response, bytes: Buffer.concat(chunks) }));
    });
    outgoing.once('error', fail);
    outgoing.end(body ?? undefined);
  });
}

function replyHeaders({ headers }: IncomingMessage): HttpRequestReply['headers'] {
  const shown: HttpRequestReply['headers'] = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !HOP_BY_HOP_HEADERS.has(name)) shown[name] = value;
  }
  return shown;
}

/** Returns the loopback address for a listener on all addresses. */
function connectable(hostname: string): string {
  if (hostname === '0.0.0.0') return '127.0.0.1';
  if (hostname === '[::]') return '::1';
  return hostname.replace(/^\[(.*)\]$/, '$1');
}
