import type { IncomingMessage } from 'node:http';
import { MB } from '../../contract/limits.js';
import { AppError } from '../../errors.js';
import type { BodyReservation } from './buffer-limits.js';

/**
 * How much a refused client may still send before its connection is closed, so that it can read the
 * response.
 */
const DRAIN_BYTES = 64 * MB;

/**
 * So many chunks are joined to one, as a chunk takes 200 bytes of memory in addition to its
 * content, which may be a single byte.
 */
const JOINED_CHUNKS = 256;

/** Reads a body of at most `maxBytes` into memory; see `consumeBody`. */
export async function readBody(
  request: IncomingMessage,
  maxBytes: number,
  reservation: BodyReservation | null,
): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let unjoined = 0;
  try {
    await consumeBody(request, {
      maxBytes,
      reservation,
      tooLarge: (bytes) => tooLarge(bytes, maxBytes),
      take: (chunk) => {
        chunks.push(chunk);
        unjoined += 1;
        if (unjoined < JOINED_CHUNKS) return;
        chunks.push(Buffer.concat(chunks.splice(-unjoined)));
        unjoined = 0;
      },
    });
    return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
  } finally {
    // The listeners of the request would keep them in memory until it has been answered.
    chunks.length = 0;
  }
}

export interface BodyConsumer {
  maxBytes: number;
  reservation: BodyReservation | null;
  /** Returns the error for a body of more than `maxBytes`. */
  tooLarge(bytes: number): AppError;
  /** Receives the chunks in order. If it throws, the body is refused with its error. */
  take(chunk: Buffer): void;
}

/**
 * Passes a body of at most `maxBytes` on as it arrives. A body that is refused is refused as soon
 * as this is known; the rest is discarded, so that a client that sends before it reads receives the
 * response instead of a reset connection.
 */
export function consumeBody(
  request: IncomingMessage,
  { maxBytes, reservation, tooLarge, take }: BodyConsumer,
): Promise<void> {
  const declared = Number(request.headers['content-length'] ?? Number.NaN);
  if (declared === 0) return Promise.resolve();
  if (request.destroyed && !request.complete) return Promise.reject(cutOff(undefined));
  return new Promise((resolve, reject) => {
    let size = 0;
    let isRefused = false;
    const refuse = (error: unknown) => {
      isRefused = true;
      reject(error);
    };
    const receive = (chunk: Buffer) => {
      size += chunk.byteLength;
      if (size > maxBytes + DRAIN_BYTES) request.destroy();
      if (isRefused) return;
      if (size > maxBytes) return refuse(tooLarge(declared || size));
      if (reservation !== null && !reservation.take(chunk.byteLength))
        return refuse(reservation.limitError());
      try {
        take(chunk);
      } catch (error) {
        refuse(error);
      }
    };
    if (request.destroyed) {
      // The client has sent everything and has disconnected during the authorization. No further
      // event is emitted, but the body is still buffered.
      for (let chunk = request.read(); chunk !== null; chunk = request.read()) receive(chunk);
      return resolve();
    }
    request.on('data', receive);
    request.once('timeout', () => refuse(tooSlow(request.socket.timeout)));
    request.once('end', () => resolve());
    request.once('error', (cause) => refuse(cutOff(cause)));
    request.once('aborted', () => refuse(cutOff(undefined)));
    if (declared > maxBytes) refuse(tooLarge(declared));
  });
}

function tooLarge(bytes: number, maxBytes: number): AppError {
  return new AppError(
    'payload_too_large',
    `The body has ${Number.isFinite(bytes) ? bytes : 'too many'} bytes; at most ${formatSize(maxBytes)} are allowed here.`,
  );
}

/** Formats a size limit. */
export function formatSize(bytes: number): string {
  const rounded =
    bytes < MB ? `${Number((bytes / 1024).toFixed(2))} KB` : `${Number((bytes / MB).toFixed(2))} MB`;
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
