import type { Command } from 'commander';
import { auditReplySchema } from '../../contract/http/auth.js';
import { printNextPage } from '../next-page.js';
import { openSession } from '../session.js';
import { moment, wholeNumber } from '../values.js';

interface AuditFlags {
  since?: string;
  actor?: string;
  limit: number;
  cursor?: string;
}

/** Adds the command `orama audit`. */
export function addAudit(program: Command): void {
  program
    .command('audit')
    .description('list who changed what, newest first; the key needs the scope "keys"')
    .option('--since <time>', 'at or after: a time, or an age such as 10m, 2h, 1d', moment)
    .option('--actor <actor>', 'only changes by this wallet or key (key:<id>)')
    .option('-n, --limit <n>', 'maximum number', wholeNumber(1, 1000), 100)
    .option('--cursor <cursor>', 'cursor of the previous page')
    .action(async ({ since, actor, limit, cursor }: AuditFlags, command: Command) => {
      const { client, terminal } = openSession(command);
      const reply = await client.call('GET', '/v1/audit', { query: { since, actor, limit, cursor } });
      let more: string | null = null;
      terminal.list(reply, auditReplySchema, 'events', (page) => {
        if (page.events.length === 0 && terminal.isTerminal) return 'There are no such changes.';
        more = page.next_cursor;
        return terminal.table(
          ['AT', 'BY', 'ACTION', 'TARGET', 'REQUEST'],
          page.events.map((event) => [
            event.at,
            withName(event.actor, event.actor_name),
            event.action,
            withName(event.target, event.target_name),
            event.request_id,
          ]),
        );
      });
      printNextPage(terminal, more);
    });
}

/** `ci (key:0199c5a0-…)` for keys: `--actor` and `orama keys revoke` take the id. */
function withName(id: string, name: string | undefined): string {
  return name === undefined ? id : `${name} (${id})`;
}
