import type { Command } from 'commander';
import { functionsReplySchema } from '../../contract/http/functions.js';
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
      terminal.list(reply, functionsReplySchema, 'functions', ({ functions }) => {
        if (functions.length === 0 && terminal.isTerminal) {
          return 'No functions yet. Make one with: orama function init hello';
        }
        return terminal.table(
          ['NAME', 'VERSION', 'MEMORY', 'TIMEOUT', 'PUBLIC', 'START', 'UPDATED'],
          functions.map((fn) => [
            fn.name,
            String(fn.version),
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
