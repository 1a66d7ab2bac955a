import type { Command } from 'commander';
import { versionsReplySchema } from '../../contract/http/functions.js';
import { liveAliasOf, shareOf } from '../live-alias.js';
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
      const live = terminal.json ? undefined : await liveAliasOf(name, client);
      terminal.list(reply, versionsReplySchema, 'versions', ({ versions }) =>
        terminal.table(
          ['VERSION', 'LIVE', 'DEPLOYED', 'BY', 'START', 'CID', 'COMMIT', 'MESSAGE'],
          versions.map((fn) => [
            String(fn.version),
            live === undefined ? '' : percentOf(shareOf(live, fn.version)),
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

/** Formats the share of the calls without a version that the alias `live` sends to a version. */
function percentOf(share: number): string {
  return share === 0 ? '' : `${share} %`;
}

/** Abbreviates the hash and keeps the suffix `-dirty`. */
function shortCommit(commit: string | null): string {
  return commit === null ? '' : commit.replace(/^([0-9a-f]{12})[0-9a-f]*/, '$1');
}
