import type { IRedisTransaction } from 'bullmq';
import type { Closable } from '../../../src/ports/closable.js';
import { closeRedis, type RedisConnection, type RedisServer, whenReady } from './connect.js';

interface Script {
  lua: string;
  numberOfKeys: number;
}

/** What adding a job and admitting it takes, of all that is defined on a connection that BullMQ uses. */
const NEEDED = /^(add(Standard|Prioritized|Delayed)Job:|oramaAdmit$)/;

/**
 * The transactions that add jobs, on a connection of their own: ioredis gives every transaction two properties for each
 * script that its connection knows, and BullMQ brings sixty. It was a tenth of what a process does that only accepts.
 */
export class Adds implements Closable {
  readonly #connection: RedisConnection;

  private constructor(connection: RedisConnection) {
    this.#connection = connection;
  }

  /** `known` is a connection on which the scripts are defined. */
  static async open(server: RedisServer, known: RedisConnection): Promise<Adds> {
    const connection = server.commands();
    // Both connections break together, and the other one says so.
    connection.on('error', () => {});
    const scripts: Readonly<Record<string, Script>> = known.scriptsSet;
    for (const [name, { lua, numberOfKeys }] of Object.entries(scripts)) {
      if (NEEDED.test(name)) connection.defineCommand(name, { lua, numberOfKeys });
    }
    await whenReady(connection);
    return new Adds(connection);
  }

  /** As much of BullMQ's transaction as it takes to add jobs: `runCommand` and `exec`. */
  begin(): IRedisTransaction {
    const commands = this.#connection.multi() as unknown as Record<string, (args: unknown[]) => unknown>;
    const runCommand = (name: string, args: unknown[]) => commands[name]?.(args);
    return Object.assign(commands, { runCommand }) as unknown as IRedisTransaction;
  }

  close(): Promise<void> {
    return closeRedis(this.#connection);
  }
}
