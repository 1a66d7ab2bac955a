import { MAX_TTL_SECONDS } from '../contract/limits.js';
import { AppError } from '../errors.js';

/**
 * Estimated overhead of an entry beside its key and value; it also bounds the number of entries.
 */
export const ENTRY_OVERHEAD_BYTES = 200;

/** Returns the size of an entry on a driver that stores its key as UTF-8. */
export function sizeOf(key: string, valueBytes: number): number {
  return Buffer.byteLength(key) + valueBytes + ENTRY_OVERHEAD_BYTES;
}

/** Maximum length of a 64-bit integer in decimal digits; the size of a counter entry. */
export const COUNTER_BYTES = 20;

/**
 * Converts a TTL in seconds to whole milliseconds; 0 means no expiry. Throws `invalid_request` if
 * it is out of range.
 */
export function ttlMs(ttlSeconds: number): number {
  if (!(ttlSeconds >= 0 && ttlSeconds <= MAX_TTL_SECONDS)) {
    throw new AppError(
      'invalid_request',
      `A cache entry's TTL must be from 0 (no expiry) to ${MAX_TTL_SECONDS} seconds, not ${ttlSeconds}`,
    );
  }
  return Math.ceil(ttlSeconds * 1000);
}

/**
 * Returns the key. Throws `invalid_request` if it contains a lone surrogate, which UTF-8 would
 * encode as a replacement character and so as another key.
 */
export function checkKey(key: string): string {
  if (!/\p{Surrogate}/u.test(key)) return key;
  throw new AppError('invalid_request', 'A cache key must be valid Unicode text, not half a surrogate pair');
}

/** Text format of a counter, the same on every driver. */
export const INTEGER = /^(0|-?[1-9][0-9]{0,18})$/;

export function isInt64(value: bigint): boolean {
  return BigInt.asIntN(64, value) === value;
}

export function notAnInteger(key: string, cause?: unknown): AppError {
  return new AppError(
    'invalid_request',
    `The cache key "${key}" holds no 64-bit integer, or adding to it would pass 64 bits; set it to a number first`,
    { cause },
  );
}
