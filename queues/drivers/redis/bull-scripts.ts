import { AppError } from '../../../src/errors.js';
import type { RedisConnection } from './connect.js';

/**
 * The Lua of one of BullMQ's own scripts as the body of a Lua function of its keys and arguments, for scripts of ours that run it more
 * than once. `connection` is one that BullMQ uses: it defines its scripts there, under their names with its version behind.
 */
export function bullFunction({ scriptsSet }: RedisConnection, script: string): string {
  const known: Readonly<Record<string, { lua: string }>> = scriptsSet;
  const name = Object.keys(known).find((each) => each.startsWith(`${script}:`));
  const lua = known[name ?? '']?.lua;
  if (lua === undefined) throw new AppError('internal', `BullMQ has no script ${script} on its connection.`);
  return `function(KEYS, ARGV)\n${lua}\nend\n`;
}
