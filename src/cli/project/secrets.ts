import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { secretNameParam } from '../../contract/http/secrets.js';
import { MAX_SECRET_BYTES } from '../../contract/limits.js';
import { AppError, isAppError } from '../../errors.js';
import { fileReason } from '../../files/file-reason.js';
import { nodeErrorCode } from '../../node-error-code.js';
import type { Client } from '../client.js';
import type { Project } from './project.js';

/**
 * Reads the secrets of a stage from its secrets_file, which has the format of a .env file. Throws
 * for one that the engine would refuse, since those before it would have been stored by then.
 */
export function readSecrets({ root, stage }: Project): ReadonlyMap<string, string> {
  if (stage?.secretsFile === undefined) return new Map();
  const file = resolve(root, stage.secretsFile);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const sentence = `Cannot read the secrets_file of stage "${stage.name}", ${file}: ${fileReason(cause)}; create it with NAME=value lines, or deploy with "orama deploy --no-secrets"`;
    throw new AppError('bad_config', sentence, { cause });
  }
  const secrets = new Map<string, string>();
  for (const [name, value = ''] of Object.entries(parseEnv(text))) {
    const named = secretNameParam.safeParse(name);
    if (!named.success) {
      const sentence = `${file}: the name of a secret ${named.error.issues[0]?.message}`;
      throw new AppError('bad_config', sentence, { cause: named.error });
    }
    const bytes = Buffer.byteLength(value);
    if (bytes > MAX_SECRET_BYTES) {
      const sentence = `${file}: the value of "${name}" has ${bytes} bytes; at most ${MAX_SECRET_BYTES} (64 KB) are allowed`;
      throw new AppError('bad_config', sentence);
    }
    secrets.set(name, value);
  }
  return secrets;
}

/**
 * Reads the secrets for `orama dev`, which deploys without them until the file exists: it is
 * usually not in the repository. `report` gets the warning.
 */
export function readSecretsIfThere(
  project: Project,
  report: (warning: string) => void,
): ReadonlyMap<string, string> {
  try {
    return readSecrets(project);
  } catch (error) {
    if (!isAppError(error) || nodeErrorCode(error.cause) !== 'ENOENT') throw error;
    const { root, stage } = project;
    report(
      `warning: there is no secrets_file of stage "${stage?.name}": ${resolve(root, stage?.secretsFile ?? '')}; until it exists, the functions have none of its secrets; create it with NAME=value lines`,
    );
    return new Map();
  }
}

/** Secret values cannot be read back, so all of them are stored again. */
export async function storeSecrets(client: Client, secrets: ReadonlyMap<string, string>): Promise<void> {
  for (const [name, value] of secrets) {
    await client.call('PUT', '/v1/functions/secrets', { json: { name, value } });
  }
}
