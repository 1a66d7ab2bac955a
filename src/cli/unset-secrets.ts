import type { FunctionSettings } from '../contract/function.js';
import { secretsReplySchema } from '../contract/http/secrets.js';
import type { Client } from './client.js';
import type { Terminal } from './terminal.js';

/**
 * Warns of functions whose `http.verify` names secrets of which none is set: they refuse every
 * request. Says nothing if the credential may not list the secrets.
 */
export async function warnOfUnsetSecrets(
  functions: readonly FunctionSettings[],
  client: Client,
  terminal: Terminal,
): Promise<void> {
  const verifying = functions.flatMap(({ name, metadata }) => {
    const secret = metadata.http?.verify?.secret;
    return secret === undefined ? [] : [{ name, secrets: secret.split(/\s*,\s*/) }];
  });
  if (verifying.length === 0) return;
  const reply = await client.call('GET', '/v1/functions/secrets').catch(() => null);
  const listed = secretsReplySchema.safeParse(reply);
  if (!listed.success) return;
  const set = new Set(listed.data.secrets.map((secret) => secret.name));
  for (const { name, secrets } of verifying) {
    if (secrets.some((secret) => set.has(secret))) continue;
    const names = secrets.map((secret) => `"${secret}"`).join(' or ');
    terminal.problem(
      `warning: ${name} refuses every HTTP request: ${names}, which its http.verify names, is not set; set it with: orama function secrets set ${secrets[0]} --from-file secret.txt`,
    );
  }
}
