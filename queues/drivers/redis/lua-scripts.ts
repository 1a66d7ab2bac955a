import type { RedisConnection } from '../../../src/redis/connection.js';
import { readLua } from '../../../src/redis/script.js';

/** The scripts of this driver; the build also inserts functions of BullMQ into them. */
type ScriptFile =
  | 'acquireLease-1'
  | 'addJobs-2'
  | 'checkStalled-9'
  | 'completeJobs-14'
  | 'countLeases-1'
  | 'endJobs-2'
  | 'fetchJobs-1'
  | 'getUsage-2'
  | 'hasUnseen-2'
  | 'rebaseTimes-2'
  | 'removeConsumers-1'
  | 'removeJob-3'
  | 'renewLeases-1'
  | 'renewLocks-1'
  | 'sweepUsage-2'
  | 'takeBacklog-1';

/** Returns the source of a script. */
export function luaOf(file: ScriptFile): string {
  return readLua(import.meta.url, file);
}

/**
 * Defines scripts as commands of a connection, named without the number of keys: `addJobs-2`
 * becomes `orama:addJobs`. ioredis sends the source once and its hash afterwards.
 */
export function defineScripts(connection: RedisConnection, files: readonly ScriptFile[]): void {
  for (const file of files) {
    const [name = '', keys = ''] = file.split('-');
    connection.defineCommand(commandOf(name), { numberOfKeys: Number(keys), lua: luaOf(file) });
  }
}

/** Returns the command name of a script. */
export function commandOf(script: string): string {
  return `orama:${script}`;
}
