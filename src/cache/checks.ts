import { AppError } from '../errors.js';

/** About what an entry costs beside its key and value; it also bounds how many there can be. */
export const ENTRY_OVERHEAD_BYTES = 200;

const MAX_TTL_SECONDS = 10 * 365 * 86_400;

/** The TTL in whole milliseconds, 0 for none. */
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
 * The key, if its text survives UTF-8: half a surrogate pair would become another key's character.
 */
export function checkKey(key: string): string {
  if (!/\p{Surrogate}/u.test(key)) return key;
  throw new AppError('invalid_request', 'A cache key must be valid Unicode text, not half a surrogate pair');
}

/** How a counter is written; the same on every driver. */
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
