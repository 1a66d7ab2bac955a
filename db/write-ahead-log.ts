/** What it needs of a SQLite binding. */
interface Executes {
  exec(sql: string): unknown;
}

const PAUSE_MS = 10;

/**
 * Has an open file keep a write-ahead log. While another process writes to one that keeps none yet,
 * as when it does the same to a new file, SQLite answers SQLITE_BUSY at once, whatever
 * `busy_timeout` says: so it is tried again for `timeoutMs`. Blocks the thread.
 */
export function keepWriteAheadLog(database: Executes, timeoutMs: number): void {
  const giveUpAt = performance.now() + timeoutMs;
  for (;;) {
    try {
      database.exec('pragma journal_mode = wal');
      return;
    } catch (error) {
      if (!isBusy(error) || performance.now() > giveUpAt) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    }
  }
}

/** One binding has SQLite's code as a name, the other as a number. */
function isBusy(error: unknown): boolean {
  const { code = '', errcode = 0 } = error as { code?: string; errcode?: number };
  return code.startsWith('SQLITE_BUSY') || (errcode & 0xff) === SQLITE_BUSY;
}

const SQLITE_BUSY = 5;
