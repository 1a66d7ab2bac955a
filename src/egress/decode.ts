import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw, type ZlibOptions } from 'node:zlib';
import { AppError, isAppError } from '../errors.js';
import { nodeErrorCode } from '../node-error-code.js';
import type { Zstd } from './zstd.js';

/** Value of `accept-encoding` when the caller sets none. */
export const ENCODINGS = 'gzip, deflate, br, zstd';

/**
 * Maximum number of encodings of one body: more than any server uses. Each layer costs as much as a
 * whole body.
 */
const MAX_LAYERS = 4;

type Decode = (bytes: Uint8Array, maxBytes: number, signal: AbortSignal) => Promise<Uint8Array>;

/**
 * Decodes a body according to its `Content-Encoding` (RFC 9110 §8.4). Resolves with null for an
 * unknown encoding; the bytes are then passed on unchanged.
 */
export type Decoder = (
  bytes: Uint8Array,
  encoding: string,
  limits: { maxBytes: number; signal: AbortSignal },
) => Promise<Uint8Array | null>;

export function createDecoder(zstd: Zstd): Decoder {
  const known = new Map<string, Decode>([
    ['gzip', zlibDecode(promisify(gunzip))],
    ['x-gzip', zlibDecode(promisify(gunzip))],
    ['deflate', decodeDeflate],
    ['br', zlibDecode(promisify(brotliDecompress))],
    ['zstd', (bytes, maxBytes, signal) => zstd.decode(bytes, maxBytes, signal)],
  ]);

  return async (bytes, encoding, { maxBytes, signal }) => {
    const layers = encoding
      .toLowerCase()
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '' && name !== 'identity');
    const decoders = layers.flatMap((name) => known.get(name) ?? []);
    if (layers.length === 0 || decoders.length < layers.length || layers.length > MAX_LAYERS) return null;
    let decoded = bytes;
    for (const decode of decoders.reverse()) {
      signal.throwIfAborted();
      decoded = await decode(decoded, maxBytes, signal).catch((cause) => {
        throw refusal(cause, encoding, maxBytes);
      });
    }
    return decoded;
  };
}

function zlibDecode(work: (bytes: Uint8Array, options: ZlibOptions) => Promise<Uint8Array>): Decode {
  return (bytes, maxBytes) => work(bytes, { maxOutputLength: maxBytes });
}

/** `deflate` means the zlib format (RFC 9110 §8.4.1.2), but some servers send raw deflate data. */
const decodeDeflate: Decode = (bytes, maxBytes, signal) => {
  const [method = 0, flags = 0] = bytes;
  const isZlib = (method & 0x0f) === 8 && ((method << 8) | flags) % 31 === 0;
  return zlibDecode(promisify(isZlib ? inflate : inflateRaw))(bytes, maxBytes, signal);
};

function refusal(cause: unknown, encoding: string, maxBytes: number): unknown {
  const code = nodeErrorCode(cause);
  if (code === 'ERR_BUFFER_TOO_LARGE') {
    return new AppError(
      'payload_too_large',
      `The response is larger than ${maxBytes} bytes when it is decoded`,
      {
        cause,
      },
    );
  }
  if (isAppError(cause) || (cause instanceof Error && cause.name === 'AbortError')) return cause;
  return new AppError(
    'unavailable',
    `The response's body is not what its Content-Encoding says, ${JSON.stringify(encoding.slice(0, 80))}`,
    { cause },
  );
}
