import type { Command } from 'commander';
import { messageReplySchema } from '../../contract/http/common.js';
import { confirm } from '../confirm.js';
import { openSession } from '../session.js';

/** Adds the command `orama function delete <name>`. */
export function addDelete(parent: Command): void {
  parent
    .command('delete')
    .alias('rm')
    .description('delete a function with its versions and triggers; its logs are kept')
    .argument('<name>')
    .option('-f, --force', 'do not ask for confirmation')
    .action(async (name: string, options: { force?: boolean }, command: Command) => {
      const { client, terminal } = openSession(command);
      const what = `function ${name} with all its versions and triggers`;
      if (options.force !== true && !(await confirm(command, `Delete ${what}?`))) return;
      const reply = await client.call('DELETE', `/v1/functions/${encodeURIComponent(name)}`);
      terminal.show(reply, messageReplySchema, ({ message }) => message);
    });
}
