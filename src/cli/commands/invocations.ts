import { type Command, Option } from 'commander';
import { cancelReplySchema, invocationsReplySchema } from '../../contract/http/invocations.js';
import { invocationRecordSchema, invocationStateSchema } from '../../contract/invocation.js';
import { type ReplayFlags, renderInvocation, replayOne } from '../invocations.js';
import { openSession } from '../session.js';
import { moment, wholeNumber } from '../values.js';

interface ListFlags {
  function?: string;
  status?: string;
  reason?: string;
  parent?: string;
  since?: string;
  before?: string;
  limit: number;
  cursor?: string;
}

/** `orama invocations list|get|cancel|replay` */
export function addInvocations(program: Command): void {
  const invocations = program
    .command('invocations')
    .alias('inv')
    .description('what was run, and what waits or runs now');
  addList(invocations);
  addGet(invocations);
  addCancel(invocations);
  addReplay(invocations);
}

function addList(invocations: Command): void {
  invocations
    .command('list')
    .alias('ls')
    .description('list invocations: those that have not ended, then the ended ones, newest first')
    .option('--function <name>', 'only of this function')
    .addOption(new Option('--status <state>', 'only these').choices(invocationStateSchema.options))
    .option('--reason <reason>', 'dead ones: error, timeout, expired or worker_died')
    .option('--parent <request-id>', 'only what this invocation has caused')
    .option('--since <time>', 'accepted at or after: a time, or an age such as 10m, 2h, 1d', moment)
    .option('--before <time>', 'accepted before', moment)
    .option('-n, --limit <n>', 'at most so many', wholeNumber(1, 500), 50)
    .option('--cursor <cursor>', 'where the last page ended')
    .action(async ({ parent, ...flags }: ListFlags, command: Command) => {
      const { client, terminal } = openSession(command);
      const { function: fn, status, reason, since, before, limit, cursor } = flags;
      const query = { function: fn, status, reason, parent_id: parent, since, before, limit, cursor };
      const reply = await client.call('GET', '/v1/invocations', { query });
      let more: string | null = null;
      terminal.list(reply, invocationsReplySchema, 'invocations', (page) => {
        if (page.invocations.length === 0 && terminal.isTerminal) return 'There are no such invocations.';
        more = page.next_cursor;
        return terminal.table(
          ['REQUEST', 'FUNCTION', 'VERSION', 'TRIGGER', 'STATE', 'ATTEMPTS', 'ACCEPTED', 'ERROR'],
          page.invocations.map((one) => [
            one.request_id,
            one.function,
            String(one.version),
            one.trigger,
            one.state,
            String(one.attempts.length),
            one.created_at,
            one.error ?? '',
          ]),
        );
      });
      if (more !== null) terminal.progress(`More with: --cursor ${more}`);
    });
}

function addGet(invocations: Command): void {
  invocations
    .command('get')
    .alias('show')
    .description('show one: its state, attempts and, while they are kept, input and output')
    .argument('<request-id>')
    .action(async (id: string, _flags, command: Command) => {
      const { client, terminal } = openSession(command);
      const reply = await client.call('GET', `/v1/invocations/${encodeURIComponent(id)}`);
      terminal.show(reply, invocationRecordSchema, (record) => renderInvocation(terminal, record));
    });
}

function addCancel(invocations: Command): void {
  invocations
    .command('cancel')
    .description('cancel one that is queued or running')
    .argument('<request-id>')
    .action(async (id: string, _flags, command: Command) => {
      const { client, terminal } = openSession(command);
      const reply = await client.call('DELETE', `/v1/invocations/${encodeURIComponent(id)}`);
      terminal.show(reply, cancelReplySchema, ({ request_id }) => `Cancelled ${request_id}`);
    });
}

function addReplay(invocations: Command): void {
  invocations
    .command('replay')
    .description('run one that has ended again')
    .argument('<request-id>')
    .option('--newest', 'on the newest version instead of the one it was accepted for')
    .option('-d, --data <input>', 'with this input in place of its own; @file, or - for stdin')
    .action((id: string, flags: ReplayFlags, command: Command) => replayOne(openSession(command), id, flags));
}
