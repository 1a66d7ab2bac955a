import { setTimeout as sleep } from 'node:timers/promises';
import { withTimeout } from '../../src/concurrency/timeout.js';
import { MB } from '../../src/contract/limits.js';
import { AppError, messageOf } from '../../src/errors.js';
import type { Logger } from '../../src/logger.js';
import type { Backlog, DrainLimits } from '../../src/ports/backlog.js';
import type { Closable } from '../../src/ports/closable.js';
import type { AttemptRow, AttemptStore } from '../../src/ports/store/attempts.js';
import { BacklogWriter, isOutage } from './backlog-writer.js';
import { encodeRow } from './log-records.js';

/** What one command moves from the backlog to the store. */
const SHIP_LIMITS: DrainLimits = { records: 500, bytes: 4 * MB };
/**
 * The timeout of a write to the store, in milliseconds. After it the store counts as unreachable;
 * rows that it wrote nevertheless are ignored when they are written again.
 */
const STORE_TIMEOUT_MS = 2000;
/**
 * The timeout of a write from the backlog, in milliseconds. Nobody waits for it, and a shorter one
 * would write the same records to a slow store again and again while the earlier writes still run.
 */
const SHIP_TIMEOUT_MS = 30_000;
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
  readonly #backlogWriter: BacklogWriter;
  readonly #backlogCheck: NodeJS.Timeout;
  /** Ends the current write of the backlog. */
  #abandon: (() => void) | null = null;
  #shipping: Promise<void> | null = null;
  /** Whether records may have been pushed since the last drain began. */
  #mayHaveRecords = false;
  /**
   * Whether rows go into the backlog without trying the store, until the store accepts some of it.
   */
  #viaBacklog = false;
  #closed = false;

  constructor(deps: LogStoreDeps) {
    this.#deps = deps;
    this.#backlogWriter = new BacklogWriter({ ...deps, write: (rows) => this.#writeFromBacklog(rows) });
    // Ships what an earlier process left in the backlog, and periodically what a process left that
    // died while shipping.
    this.#ship();
    this.#backlogCheck = setInterval(() => this.#ship(), BACKLOG_CHECK_MS).unref();
  }

  /** Resolves when the rows are durable; rejects when store and backlog are both unreachable. */
  async write(rows: readonly AttemptRow[]): Promise<void> {
    const { backlog, logger } = this.#deps;
    if (!this.#viaBacklog) {
      try {
        await this.#writeToStore(STORE_TIMEOUT_MS, this.#deps.attempts.write(rows), rows);
        return;
      } catch (error) {
        const failure = isOutage(error) ? 'the store is unreachable' : 'the store refuses log records';
        logger.warn({ err: messageOf(error) }, `${failure}; log records go into the backlog`);
      }
    }
    try {
      await backlog.push(rows.map(encodeRow));
      this.#viaBacklog = true;
      this.#ship();
    } catch (error) {
      // Both failed: the next attempt starts with the store again.
      this.#viaBacklog = false;
      throw error;
    }
  }

  async #writeToStore(ms: number, write: Promise<void>, rows: readonly AttemptRow[]): Promise<void> {
    await withTimeout(ms, write, () => storeTimeout(ms));
    this.#deps.onWritten(rows);
  }

  #writeFromBacklog(rows: readonly AttemptRow[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#abandon = () => reject(storeTimeout(STORE_TIMEOUT_MS));
      this.#writeToStore(SHIP_TIMEOUT_MS, this.#deps.attempts.write(rows), rows).then(resolve, reject);
    });
  }

  /** Moves the backlog to the store until it is empty. */
  #ship(): void {
    this.#mayHaveRecords = true;
    this.#shipping ??= this.#shipAll();
  }

  async #shipAll(): Promise<void> {
    const { backlog, logger } = this.#deps;
    let isFailing = false;
    while (!this.#closed) {
      this.#mayHaveRecords = false;
      try {
        const moved = await backlog.drain(SHIP_LIMITS, (records) => this.#shipRecords(records));
        isFailing = false;
        if (moved === 0 && this.#mayHaveRecords) continue;
        if (this.#viaBacklog) logger.info('log records go to the store again');
        this.#viaBacklog = false;
        if (moved === 0) break;
      } catch (error) {
        if (!isFailing)
          logger.warn({ err: messageOf(error) }, 'log records in the backlog cannot be written; retrying');
        isFailing = true;
        await sleep(SHIP_RETRY_MS, undefined, { ref: false });
      }
    }
    this.#shipping = null;
  }

  async #shipRecords(records: readonly string[]): Promise<void> {
    try {
      await this.#backlogWriter.write(records);
    } catch (error) {
      // Not for an error of the backlog itself: later rows can then still go to the store.
      this.#viaBacklog = true;
      throw error;
    }
  }

  /** Records that are not written within STORE_TIMEOUT_MS stay in the backlog. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#backlogCheck);
    const timer = setInterval(() => this.#abandon?.(), STORE_TIMEOUT_MS);
    await this.#shipping;
    clearInterval(timer);
  }
}

function storeTimeout(ms: number): AppError {
  return new AppError('unavailable', `no answer within ${ms} ms`);
}
