import type { Command } from 'commander';
import type { AliasRecord } from '../../contract/alias.js';
import { functionsReplySchema } from '../../contract/http/functions.js';
import type { Client } from '../client.js';
import { liveAliasesOf, splitOf } from '../live-alias.js';
import { openSession } from '../session.js';

/** Adds the command `orama function list`. */
export function addList(parent: Command): void {
  parent
    .command('list')
    .alias('ls')
    .description('list the functions of the namespace')
    .action(async (_options, command: Command) => {
      const { client, terminal } = openSession(command);
      const reply = await client.call('GET', '/v1/functions');
      const live = terminal.json ? new Map<string, AliasRecord>() : await liveOf(reply, client);
      terminal.list(reply, functionsReplySchema, 'functions', ({ functions }) => {
        if (functions.length === 0 && terminal.isTerminal) {
          return 'No functions yet. Make one with: orama function init hello';
        }
        return terminal.table(
          ['NAME', 'VERSION', 'LIVE', 'MEMORY', 'TIMEOUT', 'PUBLIC', 'START', 'UPDATED'],
          functions.map((fn) => [
            fn.name,
            String(fn.version),
            describeLive(live.get(fn.name)),
            `${fn.memory_limit_mb} MB`,
            `${fn.timeout_seconds} s`,
            fn.is_public ? 'yes' : 'no',
            fn.warm_start,
            fn.updated_at,
          ]),
        );
      });
    });
}

async function liveOf(reply: unknown, client: Client): Promise<ReadonlyMap<string, AliasRecord>> {
  const { functions = [] } = functionsReplySchema.safeParse(reply).data ?? {};
  return liveAliasesOf(
    functions.map(({ name }) => name),
    client,
  );
}

function describeLive(live: AliasRecord | undefined): string {
  return live === undefined ? '' : splitOf(live).replace(/^version /, '');
}
