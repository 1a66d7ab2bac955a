import type { Command } from 'commander';
import { versionsReplySchema } from '../../contract/http/functions.js';
import { openSession } from '../session.js';

/** Adds the command `orama function versions <name>`. */
export function addVersions(parent: Command): void {
  parent
    .command('versions')
    .description('list the versions of a function, newest first')
    .argument('<name>')
    .action(async (name: string, _options, command: Command) => {
      const { client, terminal } = openSession(command);
      const reply = await client.call('GET', `/v1/functions/${encodeURIComponent(name)}/versions`);
      terminal.list(reply, versionsReplySchema, 'versions', ({ versions }) =>
        terminal.table(
          ['VERSION', 'DEPLOYED', 'BY', 'START', 'CID', 'COMMIT', 'MESSAGE'],
          versions.map((fn) => [
            String(fn.version),
            fn.updated_at,
            fn.created_by_name ?? fn.created_by,
            fn.warm_start,
            fn.wasm_cid,
            shortCommit(fn.git_commit),
            fn.message ?? '',
          ]),
        ),
      );
    });
}

/** Abbreviates the hash and keeps the suffix `-dirty`. */
function shortCommit(commit: string | null): string {
  return commit === null ? '' : commit.replace(/^([0-9a-f]{12})[0-9a-f]*/, '$1');
}
