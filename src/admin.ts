import { Closers } from './closers.js';
import { decodeFile, newSecretsKey } from './compose/keys.js';
import { openStoreOf } from './compose/ports.js';
import { loadConfig } from './config.js';
import { resealJwtKey } from './core/auth/jwt.js';
import { createKeyring, type SecretBox } from './core/secret-box.js';
import { resealSecrets } from './core/secrets.js';
import { AppError, messageOf } from './errors.js';
import { type DataDir, NEXT_SECRETS_KEY_FILE, openDataDir, SECRETS_KEY_FILE } from './files/data-dir.js';
import { lockDataDir } from './files/data-lock.js';
import { makeOwnerOnly } from './files/owner-only.js';
import { createLogger } from './logger.js';

/**
 * Re-encrypts every secret with a new master key and resolves with the number of secrets that were
 * re-encrypted. Without ORAMA_SECRETS_KEY the new key is generated in the data directory, and the
 * engine must be stopped. With it, ORAMA_SECRETS_KEY is the new key and ORAMA_SECRETS_KEY_PREVIOUS
 * the old one; engines that were started with both keep running. The operation is idempotent: after
 * an interruption, run it again. Rejects if secrets could not be decrypted, after re-encrypting the
 * others; both keys are then still needed.
 */
export async function rotateSecretsKey(options: { dataDir?: string } = {}): Promise<{ resealed: number }> {
  const { config } = loadConfig(options.dataDir === undefined ? {} : { ORAMA_DATA_DIR: options.dataDir });
  makeOwnerOnly();
  const logger = createLogger(config.LOG_LEVEL);
  const closers = new Closers(logger);
  try {
    const dataDir = await openDataDir(config.ORAMA_DATA_DIR, (message) => logger.warn(message));
    const given = config.ORAMA_SECRETS_KEY;
    if (given === undefined) closers.add(lockDataDir(dataDir.path));
    const store = closers.add(await openStoreOf(config, dataDir));
    const reseal = async (box: SecretBox) => {
      const { resealed, unreadable } = await resealSecrets(store, box);
      for (const { place, cause } of unreadable) {
        const { namespace, name } = place;
        logger.warn({ namespace, secret: name, err: messageOf(cause) }, 'a secret cannot be decrypted');
      }
      if (unreadable.length > 0) {
        throw new AppError(
          'unavailable',
          `${resealed} secrets were encrypted with the new key, but ${unreadable.length} cannot be decrypted; the log names them. Keep the previous key, set or delete them, and run the command again.`,
        );
      }
      // Last: a process starts only with a key that decrypts it, and so with both until then.
      await resealJwtKey(store.settings, box);
      return resealed;
    };
    if (given === undefined) return { resealed: await rotateFile(dataDir, reseal) };

    const previous = config.ORAMA_SECRETS_KEY_PREVIOUS;
    if (previous === undefined) {
      throw new AppError(
        'bad_config',
        'ORAMA_SECRETS_KEY_PREVIOUS is not set: set it to the key that the secrets are sealed with now, and ORAMA_SECRETS_KEY to the new one.',
      );
    }
    return {
      resealed: await reseal(createKeyring(Buffer.from(given, 'base64'), [Buffer.from(previous, 'base64')])),
    };
  } finally {
    await closers.close();
  }
}

/**
 * Keeps the new key file beside the current one until every secret is encrypted with the new key,
 * so that both keys survive a crash at any point.
 */
async function rotateFile(dataDir: DataDir, reseal: (box: SecretBox) => Promise<number>): Promise<number> {
  const current = await dataDir.once(SECRETS_KEY_FILE, newSecretsKey);
  const next = await dataDir.once(NEXT_SECRETS_KEY_FILE, newSecretsKey);
  const box = createKeyring(decodeFile(next, dataDir, NEXT_SECRETS_KEY_FILE), [
    decodeFile(current, dataDir, SECRETS_KEY_FILE),
  ]);
  const resealed = await reseal(box);
  await dataDir.write(SECRETS_KEY_FILE, next);
  await dataDir.remove(NEXT_SECRETS_KEY_FILE);
  return resealed;
}
