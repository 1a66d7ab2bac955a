import type { Command } from 'commander';
import { functionRecordSchema } from '../../contract/function.js';
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
      terminal.show(reply, functionRecordSchema, (fn) =>
        terminal.table(
          ['KEY', 'VALUE'],
          Object.entries(fn).flatMap(([key, value]) => (value === null ? [] : [[key, String(value)]])),
        ),
      );
    });
}
