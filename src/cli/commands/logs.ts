import { type Command, Option } from 'commander';
import { logsReplySchema } from '../../contract/http/logs.js';
import { attemptStatusSchema } from '../../contract/invocation.js';
import { followLogs } from '../follow-logs.js';
import { renderLog } from '../render-log.js';
import { openSession } from '../session.js';
import { moment, wholeNumber } from '../values.js';

interface LogFlags {
  follow?: boolean;
  limit: number;
  since?: string;
  status?: string;
  requestId?: string;
}

/** Adds the command `orama function logs <name>`. */
export function addLogs(parent: Command): void {
  parent
    .command('logs')
    .description('print the log of a function, newest records last')
    .argument('<name>')
    .option('-f, --follow', 'keep printing new records')
    .option('-n, --limit <n>', 'maximum number of attempts', wholeNumber(1, 1000), 100)
    .option('--since <time>', 'started at or after: a time, or an age such as 10m, 2h, 1d', moment)
    .addOption(new Option('--status <status>', 'only these').choices(attemptStatusSchema.options))
    .option('--request-id <id>', 'only this invocation')
    .action(async (name: string, flags: LogFlags, command: Command) => {
      const { client, terminal } = openSession(command);
      const { follow, limit, since, status, requestId } = flags;
      const query = { limit, since, status, request_id: requestId };
      const path = `/v1/functions/${encodeURIComponent(name)}/logs`;
      if (follow === true) {
        await followLogs({ client, terminal, path, query, signal: new AbortController().signal });
        return;
      }
      const reply = await client.call('GET', path, { query });
      terminal.list(reply, logsReplySchema, 'logs', ({ logs }) => {
        if (logs.length === 0) terminal.progress(`${name} has logged nothing yet.`);
        return logs
          .reverse()
          .map((record) => renderLog(terminal.colors, record))
          .join('\n');
      });
    });
}
