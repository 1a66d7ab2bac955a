import type { Command } from 'commander';
import * as z from 'zod';
import { openSession } from '../session.js';

/** Adds the command `orama status`. */
export function addStatus(program: Command): void {
  program
    .command('status')
    .description('show the state of the engine that the CLI is connected to')
    .action(async (_flags, command: Command) => {
      const { client, terminal } = openSession(command);
      const reply = await client.call('GET', '/v1/status');
      terminal.show(reply, z.record(z.string(), z.unknown()), (status) =>
        terminal.table(['KEY', 'VALUE'], [['url', client.settings.url], ...flatten(status)]),
      );
    });
}

function flatten(value: Readonly<Record<string, unknown>>, prefix = ''): string[][] {
  return Object.entries(value).flatMap(([key, inner]) => {
    const name = prefix + key;
    const nested = z.record(z.string(), z.unknown()).safeParse(inner);
    return nested.success ? flatten(nested.data, `${name}.`) : [[name, String(inner)]];
  });
}
