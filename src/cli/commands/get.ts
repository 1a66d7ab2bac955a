import type { Command } from 'commander';
import { functionRecordSchema } from '../../contract/function.js';
import { liveAliasOf, splitOf } from '../live-alias.js';
import { openSession } from '../session.js';

/** Adds the command `orama function get <name>`. */
export function addGet(parent: Command): void {
  parent
    .command('get')
    .description('show a function: its settings, version, CID and how it starts')
    .argument('<name>', 'name, or name@version')
    .action(async (name: string, _options, command: Command) => {
      const { client, terminal } = openSession(command);
      const reply = await client.call('GET', `/v1/functions/${encodeURIComponent(name)}`);
      const live = terminal.json ? undefined : await liveAliasOf(name.replace(/@.*$/, ''), client);
      terminal.show(reply, functionRecordSchema, (fn) => {
        const rows = Object.entries({ ...fn, live: live === undefined ? null : splitOf(live) });
        return terminal.table(
          ['KEY', 'VALUE'],
          rows.flatMap(([key, value]) => (value === null ? [] : [[key, String(value)]])),
        );
      });
    });
}
