import type { Command } from 'commander';
import { createKeyReplySchema, keysReplySchema } from '../../contract/http/auth.js';
import { messageReplySchema } from '../../contract/http/common.js';
import { openSession } from '../session.js';

/** `orama keys create|list|revoke` */
export function addKeys(program: Command): void {
  const keys = program.command('keys').description('API keys of the namespace');
  addCreate(keys);
  addList(keys);
  addRevoke(keys);
}

function addCreate(keys: Command): void {
  keys
    .command('create')
    .description('make a key; it is shown this once. --namespace: for another namespace (admin key only)')
    .argument('[name]', 'what the key is for')
    .option('--name <name>', 'the same')
    .action(async (name: string | undefined, flags: { name?: string }, command: Command) => {
      const { client, terminal } = openSession(command);
      const json = { name: name ?? flags.name ?? 'cli', namespace: client.settings.namespace };
      const reply = await client.call('POST', '/v1/auth/keys', { json });
      terminal.show(reply, createKeyReplySchema, (key) => {
        terminal.progress(`Key ${key.id} for namespace ${key.namespace}; it is not shown again:`);
        return key.api_key;
      });
    });
}

function addList(keys: Command): void {
  keys
    .command('list')
    .alias('ls')
    .description('list the keys; never the keys themselves')
    .action(async (_flags, command: Command) => {
      const { client, terminal } = openSession(command);
      const reply = await client.call('GET', '/v1/auth/keys');
      terminal.show(reply, keysReplySchema, (list) =>
        terminal.table(
          ['ID', 'NAME', 'NAMESPACE', 'CREATED', 'LAST USED'],
          list.keys.map((key) => [
            key.id,
            key.name,
            key.namespace,
            key.created_at,
            key.last_used_at ?? 'never',
          ]),
        ),
      );
    });
}

function addRevoke(keys: Command): void {
  keys
    .command('revoke')
    .description('make a key invalid')
    .argument('<id>')
    .action(async (id: string, _flags, command: Command) => {
      const { client, terminal } = openSession(command);
      const reply = await client.call('DELETE', `/v1/auth/keys/${encodeURIComponent(id)}`);
      terminal.show(reply, messageReplySchema, ({ message }) => message);
    });
}
