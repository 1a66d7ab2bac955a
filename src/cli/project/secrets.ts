import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { AppError } from '../../errors.js';
import { fileReason } from '../../file-reason.js';
import type { Client } from '../client.js';
import type { Project } from './project.js';

/** Reads the secrets of a stage from its secrets_file, which has the format of a .env file. */
export function readSecrets({ root, stage }: Project): ReadonlyMap<string, string> {
  if (stage?.secretsFile === undefined) return new Map();
  const file = resolve(root, stage.secretsFile);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const sentence = `Cannot read the secrets_file of stage "${stage.name}", ${file}: ${fileReason(cause)}; to leave secrets as they are, deploy with --no-secrets`;
    throw new AppError('bad_config', sentence, { cause });
  }
  const entries = Object.entries(parseEnv(text));
  return new Map(entries.map(([name, value]) => [name, value ?? '']));
}

/** Secret values cannot be read back, so all of them are stored again. */
export async function storeSecrets(client: Client, secrets: ReadonlyMap<string, string>): Promise<void> {
  for (const [name, value] of secrets) {
    await client.call('PUT', '/v1/functions/secrets', { json: { name, value } });
  }
}
