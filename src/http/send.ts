import { isAscii } from 'node:buffer';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { Context } from 'koa';
import { stringifyExact } from '../exact-json.js';
import type { Answer } from './route.js';

/**
 * A text of at most this many bytes goes out with its head in one piece; bytes would be a second
 * one.
 */
const MAX_TEXT_BYTES = 16 << 10;
/** Below this, gzip saves less than it costs. */
const MIN_COMPRESSED_BYTES = 2048;
const compress = promisify(gzip);
const FAST = { level: constants.Z_BEST_SPEED };

/** Writes an answer: ETags answer 304, long texts go compressed where the client takes it. */
export async function send(ctx: Context, answer: Answer, hot: boolean): Promise<void> {
  // Koa's context passes everything on to its response, property by property.
  const { response } = ctx;
  response.status = answer.status;
  for (const name in answer.headers) ctx.res.setHeader(name, answer.headers[name] ?? '');
  if (answer.bytes !== undefined) {
    response.type = answer.type ?? 'application/octet-stream';
    response.body = toBody(answer.bytes, hot);
  } else if (answer.json !== undefined || answer.jsonText !== undefined) {
    response.type = 'application/json';
    response.body = answer.jsonText ?? stringifyExact(answer.json);
  } else {
    response.body = null;
    // Koa makes 204 of a null body.
    response.status = answer.status;
  }
  if (hot) return;
  if (isUnchanged(ctx)) response.status = 304;
  else await compressed(ctx);
}

/**
 * By the ETag alone: clients that send If-None-Match by hand often send `Cache-Control: no-cache`
 * with it.
 */
export function isUnchanged(ctx: Context): boolean {
  const etag = ctx.response.get('ETag');
  if (ctx.status !== 200 || etag === '' || (ctx.method !== 'GET' && ctx.method !== 'HEAD')) return false;
  const known = ctx.get('If-None-Match').split(',');
  return known.some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
}

function toBody(bytes: Exclude<Answer['bytes'], undefined>, hot: boolean): unknown {
  if (!(bytes instanceof Uint8Array)) return bytes;
  // Koa knows Buffers and streams; any other byte array it would write as JSON.
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return hot && buffer.byteLength <= MAX_TEXT_BYTES && isAscii(buffer) ? buffer.toString('latin1') : buffer;
}

async function compressed(ctx: Context): Promise<void> {
  const { body } = ctx;
  if (typeof body !== 'string') return;
  ctx.vary('Accept-Encoding');
  if (body.length < MIN_COMPRESSED_BYTES || ctx.acceptsEncodings('gzip', 'identity') !== 'gzip') return;
  const { type } = ctx;
  ctx.body = await compress(body, FAST);
  ctx.type = type;
  ctx.set('Content-Encoding', 'gzip');
}
