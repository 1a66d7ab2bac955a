import { createHmac, timingSafeEqual } from 'node:crypto';
import type { VerifySettings } from '../../../contract/http-function.js';
import type { SignedRequest } from './signed-request.js';

type Algorithm = 'sha256' | 'sha1' | 'sha512';

/** Computes the HMAC of the concatenated parts. */
export function hmac(
  algorithm: Algorithm,
  key: string | Uint8Array,
  ...parts: (string | Uint8Array)[]
): Buffer {
  const mac = createHmac(algorithm, key);
  for (const part of parts) mac.update(part);
  return mac.digest();
}

/**
 * Compares in constant time. Different lengths return false immediately, which reveals nothing
 * about the secret.
 */
export function isEqual(expected: Buffer, given: Buffer): boolean {
  return expected.byteLength === given.byteLength && timingSafeEqual(expected, given);
}

/** Decodes hex. Returns null for invalid input, which Buffer.from would truncate. */
export function fromHex(text: string): Buffer | null {
  return /^([0-9a-fA-F]{2})+$/.test(text) ? Buffer.from(text, 'hex') : null;
}

/** Decodes Base64. Returns null for invalid input, in which Buffer.from would skip characters. */
export function fromBase64(text: string): Buffer | null {
  return /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? Buffer.from(text, 'base64') : null;
}

/** Verifies `HMAC(secret, body)` in a configurable header. */
export function matchesHmac(
  secret: string,
  { headers, body }: SignedRequest,
  { header, algorithm, encoding, prefix }: Extract<VerifySettings, { scheme: 'hmac' }>,
): boolean {
  const value = headers[header.toLowerCase()];
  if (typeof value !== 'string' || !value.startsWith(prefix)) return false;
  const text = value.slice(prefix.length);
  const given = encoding === 'hex' ? fromHex(text) : fromBase64(text);
  return given !== null && isEqual(hmac(algorithm, secret, body), given);
}
