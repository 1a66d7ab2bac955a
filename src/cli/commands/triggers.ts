import type { Command } from 'commander';
import { messageReplySchema } from '../../contract/http/common.js';
import { addTriggerReplySchema, triggersReplySchema } from '../../contract/http/triggers.js';
import type { TriggerRecord } from '../../contract/records.js';
import { openSession } from '../session.js';

interface AddFlags {
  topic?: string;
  cron?: string;
  timezone?: string;
}

/** `orama function triggers add|list|delete` */
export function addTriggers(parent: Command): void {
  const triggers = parent.command('triggers').description('what fires a function besides a call');
  addAdd(triggers);
  addList(triggers);
  addDelete(triggers);
}

const pathOf = (fn: string) => `/v1/functions/${encodeURIComponent(fn)}/triggers`;

function addAdd(triggers: Command): void {
  triggers
    .command('add')
    .description('fire a function by a topic or a schedule')
    .argument('<function>')
    .option('--topic <topic>', 'a topic, or a pattern: * for one segment, > for the rest')
    .option('--cron <expression>', 'a schedule, e.g. "*/5 * * * *"')
    .option('--timezone <zone>', 'of the schedule, e.g. Europe/Berlin')
    .action(async (fn: string, { topic, cron, timezone }: AddFlags, command: Command) => {
      if ((topic === undefined) === (cron === undefined)) {
        command.error('error: give either --topic or --cron');
      }
      if (topic !== undefined && timezone !== undefined) {
        command.error('error: --timezone goes with --cron');
      }
      const { client, terminal } = openSession(command);
      const reply = await client.call('POST', pathOf(fn), { json: { topic, cron, timezone } });
      terminal.show(
        reply,
        addTriggerReplySchema,
        ({ trigger }) => `${fn} is fired by ${firedBy(trigger)} (${trigger.id})`,
      );
    });
}

function addList(triggers: Command): void {
  triggers
    .command('list')
    .alias('ls')
    .description('list the triggers of a function')
    .argument('<function>')
    .action(async (fn: string, _flags, command: Command) => {
      const { client, terminal } = openSession(command);
      const reply = await client.call('GET', pathOf(fn));
      terminal.show(reply, triggersReplySchema, (list) => {
        if (list.triggers.length === 0 && terminal.isTerminal) {
          return `No triggers yet. Add one with: orama function triggers add ${fn} --topic <topic>`;
        }
        return terminal.table(
          ['ID', 'FIRED BY', 'ENABLED', 'CREATED'],
          list.triggers.map((trigger) => [
            trigger.id,
            firedBy(trigger),
            trigger.enabled ? 'yes' : 'no',
            trigger.created_at,
          ]),
        );
      });
    });
}

function addDelete(triggers: Command): void {
  triggers
    .command('delete')
    .alias('rm')
    .description('remove a trigger')
    .argument('<function>')
    .argument('<id>')
    .action(async (fn: string, id: string, _flags, command: Command) => {
      const { client, terminal } = openSession(command);
      const reply = await client.call('DELETE', `${pathOf(fn)}/${encodeURIComponent(id)}`);
      terminal.show(reply, messageReplySchema, ({ message }) => message);
    });
}

function firedBy(trigger: TriggerRecord): string {
  return 'topic' in trigger ? `topic ${trigger.topic}` : `cron ${trigger.cron} (${trigger.timezone})`;
}
