import type { RedisClient } from 'bullmq';
import type { RemovedHandler } from '../../../src/ports/queue.js';
import type { RedisConnection } from '../../../src/redis/connection.js';
import type { Warn } from '../../warn.js';
import { removeOldConsumers } from './backlog.js';
import { removeOldRecords } from './crash-journal.js';
import type { UsageKeys } from './key-prefix.js';
import { commandOf, defineScripts } from './lua-scripts.js';
import { decodeUsageEntry } from './usage-entry.js';
import type { UsageIndex } from './usage-index.js';

const SWEEP_EVERY_MS = 60_000;
const SWEEP_STEP = 500;

interface SweepDeps {
  connection: RedisConnection;
  client: RedisClient;
  keys: UsageKeys;
  usage: UsageIndex;
  warn: Warn;
}

/**
 * Corrects the usage index now and then: removes the entries of jobs that no longer exist, in one
 * process at a time.
 */
export class UsageSweep {
  readonly #deps: SweepDeps;
  readonly #timer: NodeJS.Timeout;
  #onRemoved: RemovedHandler | undefined;

  constructor(deps: SweepDeps) {
    this.#deps = deps;
    defineScripts(deps.connection, ['sweepUsage-2']);
    this.#timer = setInterval(
      () => void this.#sweepIfClaimed(),
      SWEEP_EVERY_MS * (0.8 + 0.4 * Math.random()),
    );
    this.#timer.unref();
  }

  /** Sets the handler that records the end of an invocation whose job no longer exists. */
  onRemoved(handler: RemovedHandler): void {
    this.#onRemoved = handler;
  }

  /** Sweeps if no other process has claimed this round. */
  async #sweepIfClaimed(): Promise<void> {
    try {
      const isClaimed = await this.#claimSweep();
      if (isClaimed) await this.run();
    } catch (error) {
      this.#deps.warn('Failed to sweep the usage index; the next sweep retries.', error);
    }
  }

  async #claimSweep(): Promise<boolean> {
    const claimed = await this.#deps.connection.set(
      `${this.#deps.keys.usage}sweeping`,
      '1',
      'PX',
      SWEEP_EVERY_MS / 2,
      'NX',
    );
    return claimed === 'OK';
  }

  /**
   * Removes the entries of jobs that no longer exist: their worker died before it could remove the
   * entry, or the job was deleted or finished with another tool. An entry whose end the `onRemoved`
   * handler has not recorded yet stays. Also removes old records of dead processes from the crash
   * journal, and their consumers from the backlog.
   */
  async run(): Promise<void> {
    const { connection, client, keys, usage } = this.#deps;
    const namespaces = await client.smembers(`${keys.usage}namespaces`);
    for (const namespace of namespaces) {
      let cursor = '';
      do {
        const [next, missing]: [string, string[]] = await client.runCommand(commandOf('sweepUsage'), [
          keys.prefix,
          keys.usage,
          namespace,
          cursor,
          SWEEP_STEP,
        ]);
        for (const entry of missing)
          if (await this.#recordEnd(namespace, entry)) usage.removeEntry(namespace, entry);
        await usage.flush();
        cursor = next;
      } while (cursor !== '');
    }
    await removeOldRecords(connection);
    await removeOldConsumers(connection);
  }

  /** Resolves with whether the end of the entry's invocation is recorded. */
  async #recordEnd(namespace: string, entry: string): Promise<boolean> {
    const removed = decodeUsageEntry(namespace, entry);
    return removed === null || this.#onRemoved === undefined || this.#onRemoved(removed);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
