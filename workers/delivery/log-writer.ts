import { z } from 'zod';
import { messageOf } from '../../src/errors.js';
import type { Logger } from '../../src/logger.js';
import type { Backlog } from '../../src/ports/backlog.js';
import type { Closable } from '../../src/ports/closable.js';
import type { AttemptRow, AttemptStore, FinalAttempt } from '../../src/ports/store/attempts.js';
import { within } from '../../src/within.js';

const MAX_ROWS = 500;
const MAX_BYTES = 4 << 20;
/**
 * A write of one row costs nearly what a write of twenty does, and where syncs are quick each would
 * carry one or two. So a write waits while rows keep coming: each `QUIET_MS` brings one, `MOST_MS`
 * are not over and it is not `ENOUGH_ROWS` yet. Only jobs wait for it, whose callers have had their
 * replies.
 */
const QUIET_MS = 1;
const MOST_MS = 8;
const ENOUGH_ROWS = 128;
/**
 * A store that has not answered by then counts as away; what it may have written is ignored when it
 * comes again.
 */
const STORE_MS = 2000;
const SHIP_MS = 500;
/**
 * With store and backlog both away (on one full disk, say) a batch is tried again for so long. What
 * was run is then not run again for want of a row; later its job is put back into the queue, and
 * run again.
 */
const BOTH_AWAY_MS = 15_000;
const WRITE_AGAIN_MS = 500;
/** How often the backlog is looked at for what another process took and did not finish. */
const LEFT_BEHIND_MS = 5000;

/**
 * Makes rows durable by group commit: whenever the writer is free it takes all that waits. While
 * the store is away they go into the backlog on the queue's own server and are shipped later, so
 * that jobs do not pile up behind it.
 */
export interface LogWriter extends Closable {
  /**
   * Durable when it resolves. Rejects when store and backlog are both away for long: then the job
   * must not settle.
   */
  write(row: AttemptRow): Promise<void>;
  stats(): { pending: number; lagMs: number; away: boolean };
}

export interface LogWriterDeps {
  attempts: AttemptStore;
  backlog: Backlog;
  logger: Logger;
  /** Told of rows that can now be read. */
  onWritten(rows: readonly AttemptRow[]): void;
}

interface Pending {
  row: AttemptRow;
  since: number;
  resolve(): void;
  reject(error: unknown): void;
}

export function createLogWriter({ attempts, backlog, logger, onWritten }: LogWriterDeps): LogWriter {
  let pending: Pending[] = [];
  let writing: Promise<void> | null = null;
  let shipping: Promise<void> | null = null;
  let away = false;
  let closing = false;
  let closed = false;
  let lagMs = 0;
  /** On the monotonic clock. */
  let begunAt = 0;
  let hurry: (() => void) | null = null;
  let lastRows = 0;

  const store = async (rows: readonly AttemptRow[]) => {
    await within(STORE_MS, attempts.write(rows), noAnswer);
    onWritten(rows);
  };

  const writeRows = async (rows: readonly AttemptRow[]) => {
    if (!away) {
      try {
        await store(rows);
        return;
      } catch (error) {
        logger.warn({ err: messageOf(error) }, 'the store is away; log records go into the backlog');
      }
    }
    try {
      await backlog.push(rows.map(encodeRow));
      away = true;
      ship();
    } catch (error) {
      // Neither is there: the next attempt begins with the store again.
      away = false;
      throw error;
    }
  };

  const writeBatch = async (batch: readonly Pending[]) => {
    const rows = batch.map(({ row }) => row);
    const giveUpAt = performance.now() + BOTH_AWAY_MS;
    for (;;) {
      try {
        await writeRows(rows);
        for (const { resolve } of batch) resolve();
        return;
      } catch (error) {
        if (closing || performance.now() > giveUpAt) {
          for (const { reject } of batch) reject(error);
          return;
        }
        logger.warn({ err: messageOf(error) }, 'log records can be written nowhere; they are tried again');
        await pause(WRITE_AGAIN_MS);
      }
    }
  };

  /** Cut short when there is reason to hurry. */
  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  /** Resolves when the next write is due: at once after a pause, and where rows come one by one. */
  const due = async (): Promise<void> => {
    if (pending.length + lastRows <= 2) return;
    const latest = begunAt + MOST_MS;
    for (let seen = 0; pending.length > seen && pending.length < ENOUGH_ROWS && !closing; ) {
      if (performance.now() > latest) return;
      seen = pending.length;
      await pause(QUIET_MS);
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

  /** Moves the backlog into the store until it is empty. */
  const ship = () => {
    shipping ??= (async () => {
      while (!closed) {
        try {
          const moved = await backlog.drain(MAX_ROWS, (records) => store(records.map(decodeRow)));
          if (away) logger.info('the store is back');
          away = false;
          if (moved === 0) break;
        } catch {
          away = true;
          await new Promise((resolve) => setTimeout(resolve, SHIP_MS).unref());
        }
      }
      shipping = null;
    })();
  };
  // What an earlier process left behind, and what one leaves behind that dies while it ships.
  ship();
  const leftBehind = setInterval(ship, LEFT_BEHIND_MS).unref();

  return {
    write: (row) =>
      new Promise((resolve, reject) => {
        pending.push({ row, since: Date.now(), resolve, reject });
        writing ??= writeAll();
        if (pending.length >= ENOUGH_ROWS) hurry?.();
      }),
    stats: () => ({ pending: pending.length, lagMs, away }),
    async close() {
      closing = true;
      hurry?.();
      await writing;
      closed = true;
      clearInterval(leftBehind);
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

function noAnswer(): Error {
  return new Error(`no answer within ${STORE_MS} ms`);
}

function encodeRow({ final, ...row }: AttemptRow): string {
  const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString('base64'));
  return JSON.stringify({
    ...row,
    final: final && { ...final, output: text(final.output), input: text(final.input) },
  });
}

/** Rows are ours from end to end: only their bytes have changed form. */
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
