import { isAscii } from 'node:buffer';
import type { Context } from 'koa';
import { AppError, isAppError } from '../../errors.js';
import { stringifyExact } from '../../json/exact-json.js';
import type { RouteResponse } from '../route.js';
import { acceptedResponse } from './invoke-response.js';

/**
 * Up to this size, text is sent in one packet with the headers; bytes would need a second write.
 */
const MAX_TEXT_BYTES = 16 << 10;
/** Below this size, gzip saves less than it costs. */
const MIN_COMPRESSED_BYTES = 2048;
const JSON_TYPE = 'application/json';

export interface SendOptions {
  hot: boolean;
  /** Whether the request has changed nothing. */
  isRead: boolean;
  /** Called with the size of the body before it is sent; what it throws is thrown. */
  hold(bytes: number): void;
  compress(text: string): Promise<Buffer>;
}

/**
 * Sends the result of a handler: responds with 304 for a matching ETag, and compresses long texts
 * if the client accepts it.
 */
export async function send(ctx: Context, result: RouteResponse, options: SendOptions): Promise<void> {
  const { hot, hold, compress } = options;
  // Koa's context delegates each property to its response; use that directly.
  const { response } = ctx;
  const body = bodyOf(result, hot);
  try {
    if (typeof body === 'string') hold(body.length);
    else if (Buffer.isBuffer(body)) hold(body.byteLength);
  } catch (error) {
    return sendUnheld(ctx, result, options, error);
  }
  response.status = result.status;
  for (const name in result.headers) ctx.res.setHeader(name, result.headers[name] ?? '');
  if (body !== null) {
    setType(ctx, result.type ?? (result.bytes === undefined ? JSON_TYPE : 'application/octet-stream'));
    response.body = body;
  } else {
    response.body = null;
    // Koa changes the status to 204 for a null body.
    response.status = result.status;
  }
  if (hot) return;
  // Also on a 304 (RFC 9110 §15.4.5).
  if (typeof body === 'string') ctx.vary('Accept-Encoding');
  if (isUnchanged(ctx)) response.status = 304;
  else await compressed(ctx, compress);
}

/** JSON has no charset parameter (RFC 8259 §11), but Koa adds one. */
function setType(ctx: Context, type: string): void {
  if (type === JSON_TYPE) ctx.res.setHeader('Content-Type', type);
  else ctx.response.type = type;
}

function bodyOf(result: RouteResponse, hot: boolean): unknown {
  if (result.bytes !== undefined) return toBody(result.bytes, hot);
  if (result.jsonText !== undefined) return result.jsonText;
  return result.json === undefined ? null : stringifyExact(result.json);
}

/**
 * Sends what replaces a reply without memory. The client may repeat a request after 429, which must
 * therefore have changed nothing; otherwise it reads the result of the invocation, or looks itself.
 */
function sendUnheld(
  ctx: Context,
  { ended, carriedOutBy }: RouteResponse,
  options: SendOptions,
  cause: unknown,
): Promise<void> {
  if (options.isRead || !isAppError(cause, 'rate_limited')) throw cause;
  if (ended !== undefined) return send(ctx, acceptedResponse(ended), { ...options, hold: () => undefined });
  const by = carriedOutBy ? ` by invocation ${carriedOutBy}` : '';
  throw new AppError(
    'ambiguous_write',
    `The request was carried out${by}, but there is no memory for its reply; look before repeating it.`,
    { cause },
  );
}

/**
 * Returns whether the client's ETag matches (RFC 9110 §13.1.2). `Cache-Control: no-cache` is
 * ignored, as clients that set If-None-Match manually often send both.
 */
export function isUnchanged(ctx: Context): boolean {
  const etag = ctx.response.get('ETag');
  if (ctx.status !== 200 || etag === '' || (ctx.method !== 'GET' && ctx.method !== 'HEAD')) return false;
  const known = ctx.get('If-None-Match').split(',');
  return known.some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
}

function toBody(bytes: Exclude<RouteResponse['bytes'], undefined>, hot: boolean): unknown {
  if (!(bytes instanceof Uint8Array)) return bytes;
  // Koa supports Buffers and streams; it would serialize other byte arrays as JSON.
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return hot && buffer.byteLength <= MAX_TEXT_BYTES && isAscii(buffer) ? buffer.toString('latin1') : buffer;
}

async function compressed(ctx: Context, compress: SendOptions['compress']): Promise<void> {
  const { body } = ctx;
  if (typeof body !== 'string') return;
  if (body.length < MIN_COMPRESSED_BYTES || ctx.acceptsEncodings('gzip', 'identity') !== 'gzip') return;
  ctx.body = await compress(body);
  ctx.set('Content-Encoding', 'gzip');
}
