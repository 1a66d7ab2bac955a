import { type Command, InvalidArgumentError } from 'commander';
import { aliasRecordSchema, MAX_VERSION } from '../../contract/alias.js';
import { aliasesReplySchema } from '../../contract/http/aliases.js';
import { messageReplySchema } from '../../contract/http/common.js';
import { splitOf } from '../live-alias.js';
import { openSession } from '../session.js';
import { wholeNumber } from '../values.js';

const pathOf = (fn: string, alias?: string) =>
  `/v1/functions/${encodeURIComponent(fn)}/aliases${alias === undefined ? '' : `/${encodeURIComponent(alias)}`}`;

/** Adds the command `orama function alias set|list|delete`. */
export function addAliases(parent: Command): void {
  const aliases = parent.command('alias').description('names for versions, with optional traffic splits');
  addSet(aliases);
  addList(aliases);
  addDelete(aliases);
}

function addSet(aliases: Command): void {
  aliases
    .command('set')
    .description('assign an alias to a version; calls without a version use the alias "live"')
    .argument('<function>')
    .argument('<alias>')
    .argument('<version>', 'the version that gets the remaining traffic', wholeNumber(1, MAX_VERSION))
    .option('--weight <version=percent>', 'percentage for another version; may be repeated', addWeight)
    .action(
      async (
        fn: string,
        alias: string,
        version: number,
        { weight }: { weight?: Record<string, number> },
        command: Command,
      ) => {
        const { client, terminal } = openSession(command);
        const json = weight === undefined ? { version } : { version, weights: weight };
        const reply = await client.call('PUT', pathOf(fn, alias), { json });
        terminal.show(reply, aliasRecordSchema, (record) => `${fn}@${record.alias} is ${splitOf(record)}`);
      },
    );
}

function addList(aliases: Command): void {
  aliases
    .command('list')
    .alias('ls')
    .description('list the aliases of a function')
    .argument('<function>')
    .action(async (fn: string, _flags, command: Command) => {
      const { client, terminal } = openSession(command);
      terminal.list(await client.call('GET', pathOf(fn)), aliasesReplySchema, 'aliases', (list) => {
        if (list.aliases.length === 0 && terminal.isTerminal) {
          return `No aliases yet. Make one with: orama function alias set ${fn} live 1`;
        }
        return terminal.table(
          ['ALIAS', 'VERSION', 'UPDATED'],
          list.aliases.map((record) => [record.alias, splitOf(record), record.updated_at]),
        );
      });
    });
}

function addDelete(aliases: Command): void {
  aliases
    .command('delete')
    .alias('rm')
    .description('delete an alias; its versions are kept')
    .argument('<function>')
    .argument('<alias>')
    .action(async (fn: string, alias: string, _flags, command: Command) => {
      const { client, terminal } = openSession(command);
      const reply = await client.call('DELETE', pathOf(fn, alias));
      terminal.show(reply, messageReplySchema, ({ message }) => message);
    });
}

/** Parses a weight: `8=10` or `8=10%` sends ten percent to version 8. */
function addWeight(text: string, weights: Record<string, number> = {}): Record<string, number> {
  const match = /^([1-9]\d*)=(\d+)\s*%?$/.exec(text);
  if (match?.[1] === undefined) {
    throw new InvalidArgumentError('It must read <version>=<percent>, such as 8=10.');
  }
  return { ...weights, [match[1]]: Number(match[2]) };
}
