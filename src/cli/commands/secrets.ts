import type { Command } from 'commander';
import { messageReplySchema } from '../../contract/http/common.js';
import { secretsReplySchema } from '../../contract/http/secrets.js';
import { AppError } from '../../errors.js';
import { confirm } from '../confirm.js';
import { readData, readFileOr } from '../data.js';
import { openSession } from '../session.js';

/** Adds the command `orama function secrets set|list|delete`. */
export function addSecrets(parent: Command): void {
  const secrets = parent.command('secrets').description('secrets of the namespace, read with get_secret');
  addSet(secrets);
  addList(secrets);
  addDelete(secrets);
}

function addSet(secrets: Command): void {
  secrets
    .command('set')
    .description('store a secret; functions see the new value from their next invocation on')
    .argument('<name>')
    .argument('[value]')
    .option('--from-file <path>', 'read the value from a file; - reads stdin')
    .action(
      async (name: string, value: string | undefined, flags: { fromFile?: string }, command: Command) => {
        if ((value === undefined) === (flags.fromFile === undefined)) {
          command.error('error: give either a value (after "--" if it begins with "-") or --from-file');
        }
        const { client, terminal } = openSession(command);
        const text = value ?? (await readSecret(flags.fromFile ?? '-'));
        if (value === undefined && /\r?\n$/.test(text)) {
          terminal.problem(
            `warning: the value of ${name} ends in a line break, which is part of the secret; write the file without one: printf %s 'VALUE' > secret.txt`,
          );
        }
        const reply = await client.call('PUT', '/v1/functions/secrets', { json: { name, value: text } });
        terminal.show(reply, messageReplySchema, ({ message }) => message);
      },
    );
}

async function readSecret(path: string): Promise<string> {
  const bytes = path === '-' ? await readData('-') : await readFileOr(path);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    const what = path === '-' ? 'The value from stdin' : `The value in ${path}`;
    throw new AppError(
      'invalid_request',
      `${what} is not UTF-8 text, as a secret must be; encode it, for example in base64`,
      { cause },
    );
  }
}

function addList(secrets: Command): void {
  secrets
    .command('list')
    .alias('ls')
    .description('list the names of the secrets; values are never shown')
    .action(async (_flags, command: Command) => {
      const { client, terminal } = openSession(command);
      const reply = await client.call('GET', '/v1/functions/secrets');
      terminal.list(reply, secretsReplySchema, 'secrets', (list) => {
        if (list.secrets.length === 0 && terminal.isTerminal) {
          return 'No secrets yet. Store one with: orama function secrets set API_TOKEN --from-file token.txt';
        }
        return terminal.table(
          ['NAME', 'CREATED', 'UPDATED'],
          list.secrets.map((secret) => [secret.name, secret.created_at, secret.updated_at]),
        );
      });
    });
}

function addDelete(secrets: Command): void {
  secrets
    .command('delete')
    .alias('rm')
    .description('delete a secret')
    .argument('<name>')
    .option('-f, --force', 'do not ask for confirmation')
    .action(async (name: string, flags: { force?: boolean }, command: Command) => {
      const { client, terminal } = openSession(command);
      if (flags.force !== true && !(await confirm(command, `Delete secret ${name}?`))) return;
      const reply = await client.call('DELETE', `/v1/functions/secrets/${encodeURIComponent(name)}`);
      terminal.show(reply, messageReplySchema, ({ message }) => message);
    });
}
