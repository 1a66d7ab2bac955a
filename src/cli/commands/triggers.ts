import { type Command, Option } from 'commander';
import { nextRunAfter } from '../../contract/cron.js';
import { messageReplySchema } from '../../contract/http/common.js';
import {
  addTriggerReplySchema,
  runTriggerReplySchema,
  triggersReplySchema,
} from '../../contract/http/triggers.js';
import { type TriggerRecord, triggerRecordSchema } from '../../contract/records.js';
import { openSession } from '../session.js';

interface AddFlags {
  topic?: string;
  cron?: string;
  timezone?: string;
  overlap?: string;
  catchUp?: string;
}

/** Number of upcoming runs that `add` prints for a new schedule. */
const SHOWN_RUNS = 3;

/** Adds the command `orama function triggers add|list|delete`. */
export function addTriggers(parent: Command): void {
  const triggers = parent.command('triggers').description('topics and schedules that trigger a function');
  addAdd(triggers);
  addList(triggers);
  addPause(triggers);
  addResume(triggers);
  addRun(triggers);
  addDelete(triggers);
}

const pathOf = (fn: string) => `/v1/functions/${encodeURIComponent(fn)}/triggers`;

function addAdd(triggers: Command): void {
  triggers
    .command('add')
    .description('trigger a function on a topic or a schedule')
    .argument('<function>')
    .option('--topic <topic>', 'topic or pattern: * matches one segment, > the rest')
    .option('--cron <expression>', 'schedule, e.g. "*/5 * * * *"')
    .option('--timezone <zone>', 'time zone of the schedule, e.g. Europe/Berlin')
    .addOption(
      new Option('--overlap <rule>', 'while the previous run is still running (default: allow)').choices([
        'allow',
        'skip',
      ]),
    )
    .addOption(
      new Option('--catch-up <rule>', 'after the engine was down: one run, or none (default: one)').choices([
        'one',
        'none',
      ]),
    )
    .action(async (fn: string, flags: AddFlags, command: Command) => {
      const { topic, cron, timezone, overlap, catchUp } = flags;
      if ((topic === undefined) === (cron === undefined)) {
        command.error('error: give either --topic or --cron');
      }
      if (topic !== undefined && (timezone ?? overlap ?? catchUp) !== undefined) {
        command.error('error: --timezone, --overlap and --catch-up go with --cron');
      }
      const { client, terminal } = openSession(command);
      const reply = await client.call('POST', pathOf(fn), {
        json: { topic, cron, timezone, overlap, catch_up: catchUp },
      });
      terminal.show(reply, addTriggerReplySchema, ({ trigger }) =>
        [`${fn} is fired by ${firedBy(trigger)} (${trigger.id})`, ...nextRuns(trigger)].join('\n'),
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
      terminal.list(reply, triggersReplySchema, 'triggers', (list) => {
        if (list.triggers.length === 0 && terminal.isTerminal) {
          return `No triggers yet. Add one with: orama function triggers add ${fn} --topic orders:new`;
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

function addPause(triggers: Command): void {
  triggers
    .command('pause')
    .description('pause a trigger')
    .argument('<function>')
    .argument('<id>')
    .action((fn: string, id: string, _flags, command: Command) => setEnabled(fn, id, false, command));
}

function addResume(triggers: Command): void {
  triggers
    .command('resume')
    .description('resume a paused trigger, without the runs that it missed')
    .argument('<function>')
    .argument('<id>')
    .action((fn: string, id: string, _flags, command: Command) => setEnabled(fn, id, true, command));
}

async function setEnabled(fn: string, id: string, enabled: boolean, command: Command): Promise<void> {
  const { client, terminal } = openSession(command);
  const path = `${pathOf(fn)}/${encodeURIComponent(id)}`;
  const reply = await client.call('PATCH', path, { json: { enabled } });
  terminal.show(reply, triggerRecordSchema, (trigger) => {
    const state = trigger.enabled ? 'fires again' : 'is paused';
    return [`${firedBy(trigger)} ${state}`, ...(trigger.enabled ? nextRuns(trigger) : [])].join('\n');
  });
}

function addRun(triggers: Command): void {
  triggers
    .command('run')
    .description('start a run of a schedule now')
    .argument('<function>')
    .argument('<id>')
    .action(async (fn: string, id: string, _flags, command: Command) => {
      const { client, terminal } = openSession(command);
      const reply = await client.call('POST', `${pathOf(fn)}/${encodeURIComponent(id)}/run`);
      terminal.show(reply, runTriggerReplySchema, ({ request_id }) => `${fn} runs as ${request_id}`);
    });
}

/** Returns the next runs of a schedule as UTC times, computed in the schedule's time zone. */
function nextRuns(trigger: TriggerRecord): string[] {
  if ('topic' in trigger) return [];
  const lines: string[] = [];
  let at: number | null = Date.now();
  for (let n = 0; n < SHOWN_RUNS; n++) {
    at = nextRunAfter(trigger.cron, trigger.timezone, at);
    if (at === null) break;
    lines.push(`  next: ${new Date(at).toISOString()}`);
  }
  return lines;
}

function addDelete(triggers: Command): void {
  triggers
    .command('delete')
    .alias('rm')
    .description('delete a trigger')
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
