import { AppError } from '../errors.js';
import type { Store } from '../ports/store.js';
import { hasJwtKey, openJwtKey, sealedJwtKey } from './auth/jwt.js';
import type { SecretBox } from './secret-box.js';

/**
 * Rejects with `bad_config` when the master keys do not decrypt what is stored. A process with
 * another key would run functions without their secrets, and would set secrets that the others
 * cannot read.
 *
 * Tries the stored signing key, also where ORAMA_JWT_KEY replaces it. A store without one gets it
 * here, if the master keys decrypt its secrets.
 */
export async function assertMasterKey(
  { secrets, settings }: Pick<Store, 'secrets' | 'settings'>,
  box: SecretBox,
): Promise<void> {
  if (!(await hasJwtKey(settings))) {
    const [earlier] = await secrets.notSealedWith(box.keyId, 1, null);
    if (earlier !== undefined) assertOpens(() => box.open(earlier.sealed, earlier));
  }
  const sealed = await sealedJwtKey(settings, box);
  assertOpens(() => openJwtKey(sealed, box));
}

function assertOpens(open: () => void): void {
  try {
    open();
  } catch (cause) {
    throw new AppError(
      'bad_config',
      'What is stored was encrypted with another master key than that of this process. Set ORAMA_SECRETS_KEY, or ORAMA_SECRETS_KEY_PREVIOUS during a rotation, to the key that encrypted it, or restore the file "secrets-key" of the data directory.',
      { cause },
    );
  }
}
