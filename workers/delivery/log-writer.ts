import { z } from 'zod';
import { messageOf } from '../../src/errors.js';
import type { Logger } from '../../src/logger.js';
import type { Backlog } from '../../src/ports/backlog.js';
import type { Closable } from '../../src/ports/closable.js';
import type { AttemptRow, AttemptStore, FinalAttempt } from '../../src/ports/store/attempts.js';
import { withTimeout } from '../../src/timeout.js';

const MAX_ROWS = 500;
const MAX_BYTES = 4 << 20;
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
 * The timeout of a write to the store, in milliseconds. After it the store counts as unreachable;
 * rows that it wrote nevertheless are ignored when they are written again.
 */
const STORE_TIMEOUT_MS = 2000;
const SHIP_RETRY_MS = 500;
/**
 * How long a batch is retried while both store and backlog are unreachable (for example on the same
 * full disk), in milliseconds. Until then, completed runs need no rerun; afterwards their jobs
 * return to the queue and run again.
 */
const OUTAGE_TIMEOUT_MS = 15_000;
const WRITE_RETRY_MS = 500;
/**
 * The interval at which the backlog is checked for records that another process did not finish, in
 * milliseconds.
 */
const BACKLOG_CHECK_MS = 5000;

/**
 * Makes rows durable by group commit: when the writer becomes free, it writes all rows that wait.
 * While the store is unreachable, rows go into the backlog on the queue's server and are shipped
 * later, so that jobs do not pile up.
 */
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
  stats(): { pending: number; lagMs: number; isStoreUnreachable: boolean };
}

export interface LogWriterDeps {
  attempts: AttemptStore;
  backlog: Backlog;
  logger: Logger;
  /** Called with rows that can now be read from the store. */
  onWritten(rows: readonly AttemptRow[]): void;
}

interface Pending {
  row: AttemptRow;
  since: number;
  resolve(): void;
  reject(error: unknown): void;
}

/** Creates the log writer of a worker process. `close` writes pending rows. */
export function createLogWriter({ attempts, backlog, logger, onWritten }: LogWriterDeps): LogWriter {
  let pending: Pending[] = [];
  let writing: Promise<void> | null = null;
  let shipping: Promise<void> | null = null;
  let isStoreUnreachable = false;
  let closing = false;
  let closed = false;
  let lagMs = 0;
  /** When the last write began, on the monotonic clock. */
  let begunAt = 0;
  let flushNow: (() => void) | null = null;
  let lastRows = 0;
  /** The request ids of guests whose rows are still expected. */
  const awaited = new Set<string>();
  const allRowsArrived = () => awaited.size === 0 && pending.length >= MIN_COMPLETE_ROWS;

  const store = async (rows: readonly AttemptRow[]) => {
    await withTimeout(STORE_TIMEOUT_MS, attempts.write(rows), storeTimeout);
    onWritten(rows);
  };

  const writeRows = async (rows: readonly AttemptRow[]) => {
    if (!isStoreUnreachable) {
      try {
        await store(rows);
        return;
      } catch (error) {
        logger.warn({ err: messageOf(error) }, 'the store is unreachable; log records go into the backlog');
      }
    }
    try {
      await backlog.push(rows.map(encodeRow));
      isStoreUnreachable = true;
      ship();
    } catch (error) {
      // Both failed: the next attempt starts with the store again.
      isStoreUnreachable = false;
      throw error;
    }
  };

  const writeBatch = async (batch: readonly Pending[]) => {
    const rows = batch.map(({ row }) => row);
    const deadline = performance.now() + OUTAGE_TIMEOUT_MS;
    for (;;) {
      try {
        await writeRows(rows);
        for (const { resolve } of batch) resolve();
        return;
      } catch (error) {
        if (closing || performance.now() > deadline) {
          for (const { reject } of batch) reject(error);
          return;
        }
        logger.warn({ err: messageOf(error) }, 'failed to write log records to store and backlog; retrying');
        await pause(WRITE_RETRY_MS);
      }
    }
  };

  /** Resolves after `ms` milliseconds, or when `flushNow` is called. */
  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      flushNow = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  /**
   * Resolves when the next write is due: at once after a pause, and while rows arrive one at a
   * time.
   */
  const due = async (): Promise<void> => {
    if (pending.length + lastRows <= 2) return;
    const latest = begunAt + BATCH_MAX_WAIT_MS;
    for (let seen = 0; pending.length > seen && pending.length < FLUSH_ROWS && !closing; ) {
      if (performance.now() > latest || allRowsArrived()) return;
      seen = pending.length;
      await pause(BATCH_IDLE_MS);
    }
  };

  const writeAll = async () => {
    while (pending.length > 0) {
      await due();
      begunAt = performance.now();
      const batch = takeBatch(pending);
      lastRows = batch.length;
      pending = pending.slice(batch.length);
      lagMs = Date.now() - (batch[0]?.since ?? Date.now());
      await writeBatch(batch);
    }
    lagMs = 0;
    writing = null;
  };

  /** Moves the backlog to the store until it is empty. */
  const ship = () => {
    shipping ??= (async () => {
      while (!closed) {
        try {
          const moved = await backlog.drain(MAX_ROWS, (records) => store(records.map(decodeRow)));
          if (isStoreUnreachable) logger.info('the store is reachable again');
          isStoreUnreachable = false;
          if (moved === 0) break;
        } catch {
          isStoreUnreachable = true;
          await new Promise((resolve) => setTimeout(resolve, SHIP_RETRY_MS).unref());
        }
      }
      shipping = null;
    })();
  };
  // Ships what an earlier process left in the backlog, and periodically what a process left that
  // died while shipping.
  ship();
  const backlogCheck = setInterval(ship, BACKLOG_CHECK_MS).unref();

  return {
    write: (row) =>
      new Promise((resolve, reject) => {
        pending.push({ row, since: Date.now(), resolve, reject });
        awaited.delete(row.requestId);
        writing ??= writeAll();
        if (pending.length >= FLUSH_ROWS || allRowsArrived()) flushNow?.();
      }),
    announce: (requestId) => void awaited.add(requestId),
    withdraw: (requestId) => {
      if (awaited.delete(requestId) && allRowsArrived()) flushNow?.();
    },
    stats: () => ({ pending: pending.length, lagMs, isStoreUnreachable }),
    async close() {
      closing = true;
      flushNow?.();
      await writing;
      closed = true;
      clearInterval(backlogCheck);
      await shipping;
    },
  };
}

function takeBatch(pending: readonly Pending[]): Pending[] {
  let bytes = 0;
  const batch: Pending[] = [];
  for (const entry of pending) {
    bytes += sizeOf(entry.row);
    if (batch.length > 0 && (bytes > MAX_BYTES || batch.length >= MAX_ROWS)) break;
    batch.push(entry);
  }
  return batch;
}

function sizeOf({ messages, final }: AttemptRow): number {
  let bytes = 512 + (final?.output?.byteLength ?? 0) + (final?.input?.byteLength ?? 0);
  for (const { message } of messages) bytes += message.length + 64;
  return bytes;
}

function storeTimeout(): Error {
  return new Error(`no answer within ${STORE_TIMEOUT_MS} ms`);
}

function encodeRow({ final, ...row }: AttemptRow): string {
  const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString('base64'));
  return JSON.stringify({
    ...row,
    final: final && { ...final, output: text(final.output), input: text(final.input) },
  });
}

/** Accepts any object, because only this module writes records; only their bytes were encoded. */
const encodedSchema = z.custom<Omit<AttemptRow, 'final'> & { final: EncodedFinal | null }>(
  (value) => typeof value === 'object' && value !== null,
);
type EncodedFinal = Omit<FinalAttempt, 'output' | 'input'> & { output: string | null; input: string | null };

function decodeRow(text: string): AttemptRow {
  const { final, ...row } = encodedSchema.parse(JSON.parse(text));
  const bytes = (base64: string | null) =>
    base64 === null ? null : new Uint8Array(Buffer.from(base64, 'base64'));
  return { ...row, final: final && { ...final, output: bytes(final.output), input: bytes(final.input) } };
}
