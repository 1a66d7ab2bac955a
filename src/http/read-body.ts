import type { IncomingMessage } from 'node:http';
import { AppError } from '../errors.js';
import type { BodyShare } from './body-limits.js';

/**
 * How much a refused client may still send before its connection is closed, so that it can read the
 * response.
 */
const DRAIN_BYTES = 64 << 20;

/**
 * Reads a body of at most `maxBytes`. A longer one is refused as soon as this is known; the rest is
 * discarded, so that a client that sends before it reads receives the 413 instead of a reset
 * connection.
 */
export function readBody(
  request: IncomingMessage,
  maxBytes: number,
  share: BodyShare | null = null,
): Promise<Uint8Array> {
  const declared = Number(request.headers['content-length'] ?? Number.NaN);
  if (declared === 0) return Promise.resolve(new Uint8Array());
  // If the client has disconnected during the authorization, no further event is emitted.
  if (request.destroyed && !request.complete) return Promise.reject(cutOff(undefined));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let isFull = false;
    const refuse = () => {
      chunks.length = 0;
      reject(tooLarge(declared || size, maxBytes));
    };
    request.on('data', (chunk: Buffer) => {
      size += chunk.byteLength;
      if (!isFull && size <= maxBytes && share !== null && !share.take(chunk.byteLength)) {
        isFull = true;
        chunks.length = 0;
        reject(share.limitError());
      }
      if (size <= maxBytes && !isFull) {
        chunks.push(chunk);
        return;
      }
      if (size - chunk.byteLength <= maxBytes && !isFull) refuse();
      if (size > maxBytes + DRAIN_BYTES) request.destroy();
    });
    request.once('timeout', () => reject(tooSlow(request.socket.timeout)));
    request.once('end', () => {
      resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks));
      // The listeners of the request would keep them in memory until it has been answered.
      chunks.length = 0;
    });
    request.once('error', (cause) => reject(cutOff(cause)));
    request.once('aborted', () => reject(cutOff(undefined)));
    if (declared > maxBytes) refuse();
  });
}

export function tooLarge(bytes: number, maxBytes: number): AppError {
  return new AppError(
    'payload_too_large',
    `The body has ${Number.isFinite(bytes) ? bytes : 'too many'} bytes; at most ${formatSize(maxBytes)} are allowed here.`,
  );
}

/** Formats a size limit. */
export function formatSize(bytes: number): string {
  const rounded =
    bytes < 1 << 20
      ? `${Number((bytes / 1024).toFixed(2))} KB`
      : `${Number((bytes / (1 << 20)).toFixed(2))} MB`;
  return `${rounded} (${bytes} bytes)`;
}

function tooSlow(idleMs = 0): AppError {
  return new AppError(
    'request_timeout',
    `No further data of the body was received for ${idleMs / 1000} s; send the request again.`,
  );
}

function cutOff(cause: unknown): AppError {
  return new AppError('invalid_request', 'The connection was closed before the body was complete.', {
    cause,
  });
}
