import type { Command } from 'commander';
import { deployReplySchema } from '../../contract/http/functions.js';
import { openSession } from '../session.js';
import { wholeNumber } from '../values.js';

/** `orama function rollback <name> <version>` */
export function addRollback(parent: Command): void {
  parent
    .command('rollback')
    .description("make a new version with an older one's module and settings")
    .argument('<name>')
    .argument('<version>', 'the version to go back to', wholeNumber(1))
    .action(async (name: string, version: number, _options, command: Command) => {
      const { client, terminal } = openSession(command);
      const path = `/v1/functions/${encodeURIComponent(name)}/rollback`;
      const reply = await client.call('POST', path, { json: { version } });
      terminal.show(
        reply,
        deployReplySchema,
        (done) => `${done.function.name} version ${done.function.version} is version ${version} again`,
      );
    });
}
