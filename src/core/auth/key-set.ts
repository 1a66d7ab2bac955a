import {
  createRemoteJWKSet,
  customFetch,
  errors,
  type FetchImplementation,
  type JWTPayload,
  type JWTVerifyOptions,
  jwtVerify,
} from 'jose';
import * as z from 'zod';
import { MB } from '../../contract/limits.js';

/** Key sets have some kilobytes. Without a limit, a response could fill the engine's memory. */
const MAX_BYTES = MB;

const keySetSchema = z.looseObject({ keys: z.array(z.looseObject({})) });

/** The URL did not answer with a key set, which says nothing about the token. */
export class KeySetUnreachable extends Error {}

/**
 * Returns a function that verifies JWTs with the keys at the URL. It throws `KeySetUnreachable` if
 * they cannot be fetched.
 */
export function remoteVerifier(url: string, options: JWTVerifyOptions): (jwt: string) => Promise<JWTPayload> {
  const keys = createRemoteJWKSet(new URL(url), { [customFetch]: fetchKeySet });
  return async (jwt) => {
    try {
      return (await jwtVerify(jwt, keys, options)).payload;
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
      return verifyWithOneOf(error, jwt, options);
    }
  };
}

/** A `kid` is optional and need not be unique (RFC 7517 §4.5), so several keys may be meant. */
async function verifyWithOneOf(
  matching: errors.JWKSMultipleMatchingKeys,
  jwt: string,
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  for await (const key of matching) {
    try {
      return (await jwtVerify(jwt, key, options)).payload;
    } catch (error) {
      // A key that cannot be used, for example because it is too short, throws no error of jose.
      const isOfKey = !(error instanceof errors.JOSEError);
      if (!isOfKey && !(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
    }
  }
  throw new errors.JWSSignatureVerificationFailed();
}

const fetchKeySet: FetchImplementation = async (url, options) => {
  try {
    const response = await fetch(url, options);
    const text = response.status === 200 ? await textOf(response) : null;
    if (text === null) {
      await response.body?.cancel();
      throw new Error(`the status is ${response.status}`);
    }
    keySetSchema.parse(JSON.parse(text));
    return new Response(text);
  } catch (cause) {
    throw new KeySetUnreachable(`${url} answered with no key set`, { cause });
  }
};

async function textOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) throw new Error(`the key set has more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
