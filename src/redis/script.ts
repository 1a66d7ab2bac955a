import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { messageOf } from '../errors.js';
import type { RedisConnection } from './connection.js';

/**
 * A Lua script, run with EVALSHA; its source is sent only if the server does not know it. All keys
 * must share one hash tag.
 */
export class RedisScript {
  readonly #lua: string;
  readonly #sha: string;

  constructor(lua: string) {
    this.#lua = lua;
    this.#sha = hash('sha1', lua);
  }

  run(
    redis: RedisConnection,
    keys: readonly string[],
    args: readonly (string | number | Buffer)[],
  ): Promise<unknown> {
    return this.#send((command, script) => redis[command](script, keys.length, ...keys, ...args));
  }

  /** Like `run`, but strings of the reply are bytes. */
  runForBytes(
    redis: RedisConnection,
    keys: readonly string[],
    args: readonly (string | number | Buffer)[],
  ): Promise<unknown> {
    return this.#send((command, script) => redis.callBuffer(command, script, keys.length, ...keys, ...args));
  }

  async #send(send: (command: 'evalsha' | 'eval', script: string) => Promise<unknown>): Promise<unknown> {
    try {
      return await send('evalsha', this.#sha);
    } catch (error) {
      if (!messageOf(error).startsWith('NOSCRIPT')) throw error;
      return send('eval', this.#lua);
    }
  }
}

/**
 * Returns the source of `lua/<file>.lua` beside a module, given by its `import.meta.url`. As in
 * BullMQ's file names, the number at the end of `file` is the count of keys. The build
 * (scripts/lua.mjs) resolves the includes.
 */
export function readLua(moduleUrl: string, file: string): string {
  return readFileSync(new URL(`./lua/${file}.lua`, moduleUrl), 'utf8');
}
