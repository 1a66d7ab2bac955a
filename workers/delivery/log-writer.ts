import { setTimeout as sleep } from 'node:timers/promises';
import { MB } from '../../src/contract/limits.js';
import { messageOf } from '../../src/errors.js';
import type { Logger } from '../../src/logger.js';
import type { Closable } from '../../src/ports/closable.js';
import type { AttemptRow } from '../../src/ports/store/attempts.js';
import { sizeOf } from './log-records.js';
import { LogStore, type LogStoreDeps } from './log-store.js';

const MAX_ROWS = 500;
const MAX_BYTES = 4 * MB;
/**
 * A write of one row costs nearly as much as a write of twenty, and with fast syncs each write
 * would have one or two rows. A write therefore waits while rows keep arriving: at least one per
 * `BATCH_IDLE_MS`, for at most `BATCH_MAX_WAIT_MS`, up to `FLUSH_ROWS`. Only the settlement of jobs
 * waits for a write; callers already have their replies. Times are in milliseconds.
 */
const BATCH_IDLE_MS = 1;
const BATCH_MAX_WAIT_MS = 8;
const FLUSH_ROWS = 128;
/**
 * A write also stops waiting when the rows of all guests that ran have arrived, because this
 * process then has nothing else to do; but only with at least this many rows.
 */
const MIN_COMPLETE_ROWS = 16;
/**
 * How long a batch is retried while both store and backlog are unreachable (for example on the same
 * full disk), in milliseconds. Until then, completed runs need no rerun; afterwards their jobs
 * return to the queue and run again.
 */
const OUTAGE_TIMEOUT_MS = 15_000;
const WRITE_RETRY_MS = 500;

/** Makes log rows durable. */
export interface LogWriter extends Closable {
  /**
   * Resolves when the row is durable. Rejects when store and backlog are both unreachable for
   * OUTAGE_TIMEOUT_MS; the job must then not be settled.
   */
  write(row: AttemptRow): Promise<void>;
  /** Announces a guest that begins and whose row will follow. */
  announce(requestId: string): void;
  /** Withdraws an announcement: the row has arrived, or will not. */
  withdraw(requestId: string): void;
  stats(): { pending: number; lagMs: number };
}

interface PendingRow {
  row: AttemptRow;
  since: number;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * The log writer of a worker process. It uses group commit: when the writer becomes free, it writes
 * all rows that wait. `close` writes pending rows.
 */
export class GroupCommitLogWriter implements LogWriter {
  readonly #store: LogStore;
  readonly #logger: Logger;
  #pending: PendingRow[] = [];
  /** The request ids of guests whose rows are still expected. */
  readonly #awaited = new Set<string>();
  #writing: Promise<void> | null = null;
  readonly #closing = new AbortController();
  #lagMs = 0;
  /** When the last write began, on the monotonic clock. */
  #begunAt = 0;
  #lastRows = 0;
  /** Ends the wait for further rows; null while the writer does not wait. */
  #endWait: (() => void) | null = null;

  constructor(deps: LogStoreDeps) {
    this.#store = new LogStore(deps);
    this.#logger = deps.logger;
  }

  write(row: AttemptRow): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ row, since: performance.now(), resolve, reject });
      this.#awaited.delete(row.requestId);
      this.#writing ??= this.#writeAll();
      if (this.#isComplete) this.#endWait?.();
    });
  }

  announce(requestId: string): void {
    this.#awaited.add(requestId);
  }

  withdraw(requestId: string): void {
    if (this.#awaited.delete(requestId) && this.#isComplete) this.#endWait?.();
  }

  stats(): { pending: number; lagMs: number } {
    return { pending: this.#pending.length, lagMs: this.#lagMs };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#endWait?.();
    await this.#writing;
    await this.#store.close();
  }

  /** Whether a write that waits for further rows should begin with those that have arrived. */
  get #isComplete(): boolean {
    const rows = this.#pending.length;
    return rows >= FLUSH_ROWS || (rows >= MIN_COMPLETE_ROWS && this.#awaited.size === 0);
  }

  async #writeAll(): Promise<void> {
    while (this.#pending.length > 0) {
      await this.#nextWriteDue();
      this.#begunAt = performance.now();
      const batch = takeBatch(this.#pending);
      this.#lastRows = batch.length;
      this.#pending = this.#pending.slice(batch.length);
      this.#lagMs = this.#begunAt - (batch[0]?.since ?? this.#begunAt);
      await this.#writeBatch(batch);
    }
    this.#lagMs = 0;
    this.#writing = null;
  }

  /**
   * Resolves when the next write is due: at once after a pause, and while rows arrive one at a
   * time.
   */
  async #nextWriteDue(): Promise<void> {
    if (this.#pending.length + this.#lastRows <= 2) return;
    const latest = this.#begunAt + BATCH_MAX_WAIT_MS;
    let rowsBefore: number;
    do {
      if (this.#isComplete || this.#closing.signal.aborted || performance.now() > latest) return;
      rowsBefore = this.#pending.length;
      await this.#waitForRows();
    } while (this.#pending.length > rowsBefore);
  }

  /** Resolves after BATCH_IDLE_MS, or when `#endWait` is called. */
  #waitForRows(): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#endWait = null;
        resolve();
      };
      const timer = setTimeout(end, BATCH_IDLE_MS);
      this.#endWait = end;
    });
  }

  async #writeBatch(batch: readonly PendingRow[]): Promise<void> {
    const rows = batch.map(({ row }) => row);
    const deadline = performance.now() + OUTAGE_TIMEOUT_MS;
    for (;;) {
      try {
        await this.#store.write(rows);
        for (const { resolve } of batch) resolve();
        return;
      } catch (error) {
        if (this.#closing.signal.aborted || performance.now() > deadline) {
          for (const { reject } of batch) reject(error);
          return;
        }
        this.#logger.warn(
          { err: messageOf(error) },
          'failed to write log records to store and backlog; retrying',
        );
        // Rows that arrive meanwhile do not shorten the pause.
        await sleep(WRITE_RETRY_MS, undefined, { signal: this.#closing.signal }).catch(() => undefined);
      }
    }
  }
}

function takeBatch(pending: readonly PendingRow[]): PendingRow[] {
  let bytes = 0;
  const batch: PendingRow[] = [];
  for (const entry of pending) {
    bytes += sizeOf(entry.row);
    if (batch.length > 0 && (bytes > MAX_BYTES || batch.length >= MAX_ROWS)) break;
    batch.push(entry);
  }
  return batch;
}
