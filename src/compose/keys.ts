import { randomBytes } from 'node:crypto';
import type { Config } from '../config.js';
import { API_KEY } from '../contract/ids.js';
import { createKeyring, type SecretBox } from '../core/secret-box.js';
import { AppError } from '../errors.js';
import { ADMIN_KEY_FILE, type DataDir, NEXT_SECRETS_KEY_FILE, SECRETS_KEY_FILE } from '../files/data-dir.js';

/**
 * The keys of an installation: set by the operator, or generated once and stored in the data
 * directory with mode 0600.
 */
export interface InstallationKeys {
  /** API key of the form `ak_<random>:<namespace>`. */
  admin: string;
  /** Encrypts secrets and other confidential values in the store. */
  box: SecretBox;
}

export async function loadKeys(config: Config, dataDir: DataDir): Promise<InstallationKeys> {
  const admin = config.ORAMA_ADMIN_KEY ?? (await loadAdminKey(dataDir));
  return { admin, box: await loadSecretBox(config, dataDir) };
}

/** A file that is cut off, by a copy or a full disk, must not become a key that opens nothing. */
async function loadAdminKey(dataDir: DataDir): Promise<string> {
  const make = () => `ak_${randomBytes(24).toString('base64url')}:default\n`;
  const admin = (await dataDir.once(ADMIN_KEY_FILE, make)).trim();
  if (API_KEY.test(admin)) return admin;
  throw new AppError(
    'bad_config',
    `${dataDir.path}/${ADMIN_KEY_FILE} holds no key, which reads ak_<random>:<namespace>, but ${admin.length} characters; put the file back, or remove it to have a new key made.`,
  );
}

async function loadSecretBox(config: Config, dataDir: DataDir): Promise<SecretBox> {
  if (config.ORAMA_SECRETS_KEY !== undefined) {
    const previous = config.ORAMA_SECRETS_KEY_PREVIOUS;
    return createKeyring(decode(config.ORAMA_SECRETS_KEY), previous === undefined ? [] : [decode(previous)]);
  }
  const current = await dataDir.once(SECRETS_KEY_FILE, newSecretsKey);
  // An interrupted key rotation may have encrypted some secrets with the next key.
  const next = await dataDir.read(NEXT_SECRETS_KEY_FILE);
  return createKeyring(
    decodeFile(current, dataDir, SECRETS_KEY_FILE),
    next === null ? [] : [decodeFile(next, dataDir, NEXT_SECRETS_KEY_FILE)],
  );
}

/** Generates a key of 32 random bytes in the format of the key files (Base64). */
export function newSecretsKey(): string {
  return `${randomBytes(32).toString('base64')}\n`;
}

export function decodeFile(text: string, dataDir: DataDir, name: string): Uint8Array {
  const bytes = decode(text);
  if (bytes.byteLength === 32) return bytes;
  throw new AppError(
    'bad_config',
    `${dataDir.path}/${name} must hold 32 bytes in base64, not ${bytes.byteLength}; put back the file that the secrets were sealed with.`,
  );
}

function decode(text: string): Uint8Array {
  return Buffer.from(text, 'base64');
}
