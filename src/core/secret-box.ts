import { createCipheriv, createDecipheriv, hash, randomBytes } from 'node:crypto';
import { AppError } from '../errors.js';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts secrets with AES-256-GCM. The location (namespace and name) is the associated data, so
 * that a row copied to another location cannot be decrypted. Layout: nonce (12), ciphertext, tag
 * (16).
 */
export interface SecretBox {
  /** Identifies the master key: the first 8 bytes of its SHA-256, hex. */
  readonly keyId: string;
  seal(plain: string, place: SecretPlace): Uint8Array;
  /** Throws `unavailable` if the key is wrong or the bytes were modified. */
  open(sealed: Uint8Array, place: SecretPlace): string;
}

export interface SecretPlace {
  namespace: string;
  name: string;
}

/**
 * Creates a box that encrypts with the first key and decrypts with any of the keys, so that secrets
 * remain readable during a key rotation.
 */
export function createKeyring(masterKey: Uint8Array, earlier: readonly Uint8Array[]): SecretBox {
  const current = createSecretBox(masterKey);
  const boxes = [current, ...earlier.map(createSecretBox)];
  return {
    keyId: current.keyId,
    seal: current.seal,
    open(sealed, place) {
      for (const box of boxes.slice(0, -1)) {
        try {
          return box.open(sealed, place);
        } catch {
          // Encrypted with another key; try the next one.
        }
      }
      return (boxes.at(-1) ?? current).open(sealed, place);
    },
  };
}

export function createSecretBox(masterKey: Uint8Array): SecretBox {
  if (masterKey.byteLength !== 32) {
    throw new AppError('bad_config', `ORAMA_SECRETS_KEY must be 32 bytes, not ${masterKey.byteLength}.`);
  }
  // JSON distinguishes ("a","bc") from ("ab","c").
  const placeOf = ({ namespace, name }: SecretPlace) => Buffer.from(JSON.stringify([namespace, name]));
  return {
    keyId: hash('sha256', masterKey).slice(0, 16),
    seal(plain, place) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', masterKey, nonce).setAAD(placeOf(place));
      return Buffer.concat([nonce, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    },
    open(sealed, place) {
      try {
        const tagAt = sealed.byteLength - TAG_BYTES;
        const decipher = createDecipheriv('aes-256-gcm', masterKey, sealed.subarray(0, NONCE_BYTES))
          .setAAD(placeOf(place))
          .setAuthTag(sealed.subarray(tagAt));
        return Buffer.concat([
          decipher.update(sealed.subarray(NONCE_BYTES, tagAt)),
          decipher.final(),
        ]).toString('utf8');
      } catch (error) {
        throw new AppError(
          'unavailable',
          `The secret "${place.name}" cannot be decrypted: it was encrypted with another master key, or has been modified. Start the engine with the key that encrypted it.`,
          { cause: error },
        );
      }
    },
  };
}
