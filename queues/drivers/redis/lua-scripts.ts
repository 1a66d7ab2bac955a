import { readFileSync } from 'node:fs';
import type { RedisConnection } from '../../../src/redis/connection.js';

/**
 * What this driver runs on Redis, a file each in `lua/`; the number is how many keys it has, as in
 * the names of BullMQ's own. The build (scripts/lua.mjs) puts their includes and BullMQ's functions
 * into them.
 */
type ScriptFile =
  | 'acquireLease-1'
  | 'addJobs-2'
  | 'completeJobs-14'
  | 'countLeases-1'
  | 'endJobs-2'
  | 'getUsage-2'
  | 'rebaseTimes-2'
  | 'renewLeases-1'
  | 'sweepUsage-2'
  | 'takeJobs-1';

/** The text of a script. */
export function luaOf(file: ScriptFile): string {
  return readFileSync(new URL(`./lua/${file}.lua`, import.meta.url), 'utf8');
}

/**
 * Makes scripts commands of a connection, under their names without the number: `addJobs-2` becomes
 * `orama:addJobs`. ioredis sends a script once and then its hash.
 */
export function defineScripts(connection: RedisConnection, files: readonly ScriptFile[]): void {
  for (const file of files) {
    const [name = '', keys = ''] = file.split('-');
    connection.defineCommand(commandOf(name), { numberOfKeys: Number(keys), lua: luaOf(file) });
  }
}

/** The name of the command that a script has become. */
export function commandOf(script: string): string {
  return `orama:${script}`;
}
