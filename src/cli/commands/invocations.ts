import { type Command, Option } from 'commander';
import { cancelReplySchema, invocationsReplySchema } from '../../contract/http/invocations.js';
import { INVOCATION_STATES } from '../../contract/invocation-state.js';
import { type ReplayFlags, replayOne, showInvocation } from '../invocations.js';
import { printNextPage } from '../next-page.js';
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

/** Adds the command `orama invocations list|get|cancel|replay`. */
export function addInvocations(program: Command): void {
  const invocations = program
    .command('invocations')
    .alias('inv')
    .description('past, waiting and running invocations');
  addList(invocations);
  addGet(invocations);
  addCancel(invocations);
  addReplay(invocations);
}

function addList(invocations: Command): void {
  invocations
    .command('list')
    .alias('ls')
    .description('list invocations: live ones first, then ended ones, newest first')
    .option('--function <name>', 'only this function')
    .addOption(new Option('--status <state>', 'only these').choices(INVOCATION_STATES))
    .option('--reason <reason>', 'reason of dead invocations: error, timeout, expired or worker_died')
    .option('--parent <request-id>', 'only invocations caused by this one')
    .option('--since <time>', 'accepted at or after: a time, or an age such as 10m, 2h, 1d', moment)
    .option('--before <time>', 'accepted before this time', moment)
    .option('-n, --limit <n>', 'maximum number', wholeNumber(1, 500), 50)
    .option('--cursor <cursor>', 'cursor of the previous page')
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
      printNextPage(terminal, more);
    });
}

function addGet(invocations: Command): void {
  invocations
    .command('get')
    .alias('show')
    .description('show an invocation: its state, attempts and, while kept, its input and output')
    .argument('<request-id>')
    .action(async (id: string, _flags, command: Command) => {
      await showInvocation(openSession(command), id);
    });
}

function addCancel(invocations: Command): void {
  invocations
    .command('cancel')
    .description('cancel an invocation that is queued or running')
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
    .description('replay an ended invocation')
    .argument('<request-id>')
    .option('--newest', 'use the newest version instead of the original one')
    .option('-d, --data <input>', 'input of the replay, instead of the original one; @file, or - for stdin')
    .action((id: string, flags: ReplayFlags, command: Command) => replayOne(openSession(command), id, flags));
}
