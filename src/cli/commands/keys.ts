import type { Command } from 'commander';
import { createKeyReplySchema, keysReplySchema } from '../../contract/http/auth.js';
import { messageReplySchema } from '../../contract/http/common.js';
import type { KeyRecord } from '../../contract/records.js';
import { SCOPE_NAMES } from '../../contract/scope-names.js';
import { openSession } from '../session.js';
import { commaSeparated, momentAhead } from '../values.js';

/** Adds the command `orama keys create|list|revoke`. */
export function addKeys(program: Command): void {
  const keys = program.command('keys').description('API keys of the namespace');
  addCreate(keys);
  addList(keys);
  addRevoke(keys);
}

interface CreateFlags {
  name?: string;
  scopes?: string[];
  functions?: string[];
  expires?: string;
}

function addCreate(keys: Command): void {
  keys
    .command('create')
    .description('create a key; it is shown only once. --namespace: for another namespace (admin key only)')
    .argument('[name]', 'purpose of the key')
    .option('--name <name>', 'another way to give the name')
    .option('--scopes <list>', `scopes: ${SCOPE_NAMES.join(', ')}, or * for all`, commaSeparated)
    .option(
      '--functions <list>',
      "functions that it may invoke, deploy and read: names, or 'hook-*'",
      commaSeparated,
    )
    .option('--expires <when>', 'expiry: an age such as 90d, or a time', momentAhead)
    .action(async (name: string | undefined, flags: CreateFlags, command: Command) => {
      if (name !== undefined && flags.name !== undefined)
        command.error('error: give the name of the key once, as an argument or with --name');
      const { client, terminal } = openSession(command);
      const json = {
        name: name ?? flags.name ?? 'cli',
        scopes: flags.scopes,
        functions: flags.functions,
        expires_at: flags.expires,
      };
      const reply = await client.call('POST', '/v1/auth/keys', { json });
      terminal.show(reply, createKeyReplySchema, (key) => {
        terminal.progress(
          `Key ${key.id} for namespace ${key.namespace}, ${reachOf(key)}; it is not shown again:`,
        );
        return key.api_key;
      });
    });
}

function addList(keys: Command): void {
  keys
    .command('list')
    .alias('ls')
    .description('list the keys, without their values. --namespace: of another namespace (admin key only)')
    .action(async (_flags, command: Command) => {
      const { client, terminal } = openSession(command);
      const reply = await client.call('GET', '/v1/auth/keys');
      terminal.list(reply, keysReplySchema, 'keys', (list) =>
        terminal.table(
          ['ID', 'NAME', 'NAMESPACE', 'MAY', 'EXPIRES', 'CREATED BY', 'CREATED', 'LAST USED'],
          list.keys.map((key) => [
            key.id,
            key.name,
            key.namespace,
            reachOf(key),
            key.expires_at ?? 'never',
            key.created_by,
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
    .description('revoke a key and every key created with it')
    .argument('<id>')
    .action(async (id: string, _flags, command: Command) => {
      const { client, terminal } = openSession(command);
      const reply = await client.call('DELETE', `/v1/auth/keys/${encodeURIComponent(id)}`);
      terminal.show(reply, messageReplySchema, ({ message }) => message);
    });
}

/** Formats the scopes and functions of a key: `deploy, read of hook-*` */
function reachOf({ scopes, functions }: KeyRecord): string {
  return functions === null ? scopes.join(', ') : `${scopes.join(', ')} of ${functions.join(', ')}`;
}
