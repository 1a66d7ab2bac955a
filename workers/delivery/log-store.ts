import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../src/errors.js';
import type { Logger } from '../../src/logger.js';
import type { Backlog } from '../../src/ports/backlog.js';
import type { Closable } from '../../src/ports/closable.js';
import type { AttemptRow, AttemptStore } from '../../src/ports/store/attempts.js';
import { withTimeout } from '../../src/timeout.js';
import { decodeRow, encodeRow } from './log-records.js';

/** The number of records that one command moves from the backlog to the store. */
const MAX_RECORDS = 500;
/**
 * The timeout of a write to the store, in milliseconds. After it the store counts as unreachable;
 * rows that it wrote nevertheless are ignored when they are written again.
 */
const STORE_TIMEOUT_MS = 2000;
const SHIP_RETRY_MS = 500;
/**
 * The interval at which the backlog is checked for records that another process did not finish, in
 * milliseconds.
 */
const BACKLOG_CHECK_MS = 5000;

export interface LogStoreDeps {
  attempts: AttemptStore;
  backlog: Backlog;
  logger: Logger;
  /** Called with rows that can now be read from the store. */
  onWritten(rows: readonly AttemptRow[]): void;
}

/**
 * Writes rows to the store. While the store is unreachable, rows go into the backlog on the queue's
 * server and are shipped later, so that jobs do not pile up.
 */
export class LogStore implements Closable {
  readonly #deps: LogStoreDeps;
  readonly #backlogCheck: NodeJS.Timeout;
  #shipping: Promise<void> | null = null;
  #isUnreachable = false;
  #closed = false;

  constructor(deps: LogStoreDeps) {
    this.#deps = deps;
    // Ships what an earlier process left in the backlog, and periodically what a process left that
    // died while shipping.
    this.#ship();
    this.#backlogCheck = setInterval(() => this.#ship(), BACKLOG_CHECK_MS).unref();
  }

  get isUnreachable(): boolean {
    return this.#isUnreachable;
  }

  /** Resolves when the rows are durable; rejects when store and backlog are both unreachable. */
  async write(rows: readonly AttemptRow[]): Promise<void> {
    const { backlog, logger } = this.#deps;
    if (!this.#isUnreachable) {
      try {
        await this.#writeToStore(rows);
        return;
      } catch (error) {
        logger.warn({ err: messageOf(error) }, 'the store is unreachable; log records go into the backlog');
      }
    }
    try {
      await backlog.push(rows.map(encodeRow));
      this.#isUnreachable = true;
      this.#ship();
    } catch (error) {
      // Both failed: the next attempt starts with the store again.
      this.#isUnreachable = false;
      throw error;
    }
  }

  async #writeToStore(rows: readonly AttemptRow[]): Promise<void> {
    await withTimeout(STORE_TIMEOUT_MS, this.#deps.attempts.write(rows), storeTimeout);
    this.#deps.onWritten(rows);
  }

  /** Moves the backlog to the store until it is empty. */
  #ship(): void {
    this.#shipping ??= this.#shipAll();
  }

  async #shipAll(): Promise<void> {
    const { backlog, logger } = this.#deps;
    while (!this.#closed) {
      try {
        const moved = await backlog.drain(MAX_RECORDS, (records) =>
          this.#writeToStore(records.map(decodeRow)),
        );
        if (this.#isUnreachable) logger.info('the store is reachable again');
        this.#isUnreachable = false;
        if (moved === 0) break;
      } catch {
        this.#isUnreachable = true;
        await sleep(SHIP_RETRY_MS, undefined, { ref: false });
      }
    }
    this.#shipping = null;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#backlogCheck);
    await this.#shipping;
  }
}

function storeTimeout(): Error {
  return new Error(`no answer within ${STORE_TIMEOUT_MS} ms`);
}
