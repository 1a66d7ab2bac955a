import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { AppError } from '../errors.js';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * AES-256-GCM. What is sealed is bound to where it stands (namespace and name) as associated data,
 * so that a row copied to another place does not open. Layout: nonce (12), ciphertext, tag (16).
 */
export interface SecretBox {
  /** Names the master key without telling it: the first 8 bytes of its SHA-256, hex. */
  readonly keyId: string;
  seal(plain: string, place: SecretPlace): Uint8Array;
  /** Throws `unavailable` when the key is another or the bytes were changed. */
  open(sealed: Uint8Array, place: SecretPlace): string;
}

export interface SecretPlace {
  namespace: string;
  name: string;
}

/**
 * Seals with the first key and opens with any: while a key is being rotated, what either has sealed
 * can be read.
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
          // Sealed with one of the others.
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
  // Not the lengths alone: JSON keeps ("a","bc") and ("ab","c") apart.
  const placeOf = ({ namespace, name }: SecretPlace) => Buffer.from(JSON.stringify([namespace, name]));
  return {
    keyId: createHash('sha256').update(masterKey).digest('hex').slice(0, 16),
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
          `The secret "${place.name}" does not open: it was sealed with another master key, or changed. Start the engine with the key it was sealed with.`,
          { cause: error },
        );
      }
    },
  };
}
