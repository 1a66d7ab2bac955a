import { randomBytes } from 'node:crypto';
import type { Config } from '../config.js';
import { ADMIN_KEY_FILE, type DataDir, SECRETS_KEY_FILE } from '../data-dir.js';
import { AppError } from '../errors.js';

/** The keys of an installation: given by the operator, else made once and kept mode 0600 in the data directory. */
export interface InstallationKeys {
  /** `ak_<random>:<namespace>`. */
  admin: string;
  /** The 32-byte master key of the secrets. */
  secrets: Uint8Array;
}

export async function loadKeys(config: Config, dataDir: DataDir): Promise<InstallationKeys> {
  const admin =
    config.ORAMA_ADMIN_KEY ??
    (await dataDir.once(ADMIN_KEY_FILE, () => `ak_${randomBytes(24).toString('base64url')}:default\n`));
  const secrets =
    config.ORAMA_SECRETS_KEY ??
    (await dataDir.once(SECRETS_KEY_FILE, () => `${randomBytes(32).toString('base64')}\n`));
  const bytes = Buffer.from(secrets, 'base64');
  if (bytes.byteLength !== 32) {
    throw new AppError(
      'bad_config',
      `${dataDir.path}/${SECRETS_KEY_FILE} must hold 32 bytes in base64, not ${bytes.byteLength}; put back the file that the secrets were sealed with.`,
    );
  }
  return { admin: admin.trim(), secrets: bytes };
}
