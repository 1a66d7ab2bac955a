import type { Command } from 'commander';
import { countReplySchema } from '../../contract/http/common.js';
import { invocationsReplySchema } from '../../contract/http/invocations.js';
import { invocationRecordSchema } from '../../contract/invocation.js';
import { AppError, isAppError } from '../../errors.js';
import type { Client } from '../client.js';
import { confirm } from '../confirm.js';
import { type ReplayFlags, replayOne, showInvocation } from '../invocations.js';
import { printNextPage } from '../next-page.js';
import { openSession } from '../session.js';
import { moment, wholeNumber } from '../values.js';

interface ListFlags {
  limit: number;
  since?: string;
  before?: string;
  reason?: string;
  cursor?: string;
}

/** Adds the command `orama function dead list|show|replay|purge`. */
export function addDead(parent: Command): void {
  const dead = parent
    .command('dead')
    .description('invocations that failed permanently while no caller was waiting');
  addList(dead);
  addShow(dead);
  addReplay(dead);
  addPurge(dead);
}

function addList(dead: Command): void {
  dead
    .command('list')
    .alias('ls')
    .description('list dead invocations, newest first')
    .argument('[function]', 'function; default: all functions')
    .option('-n, --limit <n>', 'maximum number', wholeNumber(1, 500), 100)
    .option('--since <time>', 'accepted at or after: a time, or an age such as 10m, 2h, 1d', moment)
    .option('--before <time>', 'accepted before this time', moment)
    .option('--reason <reason>', 'error, timeout, expired or worker_died')
    .option('--cursor <cursor>', 'cursor of the previous page')
    .action(async (fn: string | undefined, flags: ListFlags, command: Command) => {
      const { client, terminal } = openSession(command);
      const { limit, since, before, reason, cursor } = flags;
      const query = { function: fn, status: 'dead', limit, since, before, reason, cursor };
      const reply = await client.call('GET', '/v1/invocations', { query });
      terminal.list(reply, invocationsReplySchema, 'invocations', ({ invocations, next_cursor }) => {
        if (invocations.length === 0 && terminal.isTerminal) return 'No dead letters.';
        printNextPage(terminal, next_cursor);
        return terminal.table(
          ['REQUEST', 'FUNCTION', 'VERSION', 'TRIGGER', 'ATTEMPTS', 'ENDED', 'ERROR'],
          invocations.map((one) => [
            one.request_id,
            one.function,
            String(one.version),
            one.trigger,
            String(one.attempts.length),
            one.completed_at ?? '',
            one.error ?? '',
          ]),
        );
      });
    });
}

function addShow(dead: Command): void {
  dead
    .command('show')
    .description('show one invocation with its input and the error of each attempt')
    .argument('<request-id>')
    .action(async (id: string, _flags, command: Command) => {
      await showInvocation(openSession(command), id);
    });
}

function addReplay(dead: Command): void {
  dead
    .command('replay')
    .description('replay all dead invocations of a function, or one of them')
    .argument('<function>')
    .argument('[request-id]', 'only this invocation')
    .option('--newest', 'use the newest version instead of the original one')
    .option(
      '-d, --data <input>',
      'input of a single replay, instead of the original one; @file, or - for stdin',
    )
    .action(async (fn: string, id: string | undefined, flags: ReplayFlags, command: Command) => {
      const { client, terminal } = openSession(command);
      if (flags.data !== undefined && id === undefined) {
        command.error('error: --data is for one invocation; name it by its request id');
      }
      const query = { version: flags.newest === true ? 'newest' : undefined };
      if (id === undefined) {
        const reply = await client.call('POST', `/v1/functions/${encodeURIComponent(fn)}/dead/replay`, {
          query,
        });
        terminal.show(reply, countReplySchema, ({ count }) => `${count} replayed`);
      } else {
        await assertDeadLetter(client, fn, id);
        await replayOne({ client, terminal }, id, flags);
      }
    });
}

const ownerSchema = invocationRecordSchema.pick({ function: true, state: true });

/**
 * Throws if the invocation is not a dead one of the function. A key that may replay but not read
 * gets no check.
 */
async function assertDeadLetter(client: Client, fn: string, id: string): Promise<void> {
  const reply = await client
    .call('GET', `/v1/invocations/${encodeURIComponent(id)}`)
    .catch((error: unknown) => {
      if (isAppError(error, 'forbidden')) return null;
      throw error;
    });
  if (reply === null) return;
  const { function: owner, state } = ownerSchema.parse(reply);
  if (owner !== fn) {
    throw new AppError('conflict', `The invocation ${id} is of the function "${owner}", not of "${fn}"`);
  }
  if (state !== 'dead') {
    throw new AppError(
      'conflict',
      `The invocation ${id} is not dead but ${state}; replay it with: orama invocations replay ${id}`,
    );
  }
}

function addPurge(dead: Command): void {
  dead
    .command('purge')
    .description('delete the dead invocations of a function')
    .argument('<function>')
    .option('-f, --force', 'do not ask for confirmation')
    .action(async (fn: string, flags: { force?: boolean }, command: Command) => {
      const { client, terminal } = openSession(command);
      const asks = flags.force !== true && process.stdin.isTTY;
      if (asks && !(await confirm(command, `Delete all dead invocations of ${fn}?`))) return;
      const reply = await client.call('DELETE', `/v1/functions/${encodeURIComponent(fn)}/dead`);
      terminal.show(reply, countReplySchema, ({ count }) => `${count} purged`);
    });
}
