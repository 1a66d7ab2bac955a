/** The part of a SQLite binding that this module uses. */
interface Executes {
  exec(sql: string): unknown;
}

const PAUSE_MS = 10;

/**
 * Enables the write-ahead log of an open database. SQLite returns SQLITE_BUSY immediately,
 * regardless of `busy_timeout`, while another process writes to a database without a WAL or enables
 * the WAL itself. The statement is therefore retried for `timeoutMs` milliseconds. Blocks the
 * thread.
 */
export function keepWriteAheadLog(database: Executes, timeoutMs: number): void {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      database.exec('pragma journal_mode = wal');
      return;
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    }
  }
}

/** Recognizes SQLITE_BUSY: libsql reports SQLite's code by name, the other binding by number. */
function isBusy(error: unknown): boolean {
  const { code = '', errcode = 0 } = error as { code?: string; errcode?: number };
  return code.startsWith('SQLITE_BUSY') || (errcode & 0xff) === SQLITE_BUSY;
}

const SQLITE_BUSY = 5;
