import type { Command } from 'commander';
import { consoleLinkReplySchema } from '../../contract/http/auth.js';
import type { Client } from '../client.js';
import { openSession } from '../session.js';

/** Adds the command `orama console`. */
export function addConsole(program: Command): void {
  program
    .command('console')
    .description('print a link that signs in to the console once, within 5 minutes')
    .action(async (_flags, command: Command) => {
      const { client, terminal } = openSession(command);
      const url = await consoleLink(client);
      if (terminal.json) terminal.value({ url });
      else terminal.line(url);
    });
}

/** Creates a console URL with a token that signs in once. */
export async function consoleLink(client: Client): Promise<string> {
  const reply = await client.call('POST', '/v1/auth/console-links');
  return client.settings.url + consoleLinkReplySchema.parse(reply).path;
}
