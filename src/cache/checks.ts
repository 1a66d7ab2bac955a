import { AppError } from '../errors.js';

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
 * The one name of a key among all namespaces. A namespace holds no `:`, so no two pairs make the same name, as long
 * as the text survives UTF-8: a lone surrogate would not.
 */
export function entryName(namespace: string, key: string): string {
  if (/\p{Surrogate}/u.test(key)) {
    throw new AppError(
      'invalid_request',
      'A cache key must be valid Unicode text, not half a surrogate pair',
    );
  }
  return `${namespace}:${key}`;
}

export function notAnInteger(key: string, cause?: unknown): AppError {
  return new AppError(
    'invalid_request',
    `The cache key "${key}" holds no 64-bit integer, or adding to it would pass 64 bits; set it to a number first`,
    { cause },
  );
}
