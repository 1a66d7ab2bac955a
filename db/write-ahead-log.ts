import type Database from 'libsql';

const PAUSE_MS = 10;

/**
 * Has an open file keep a write-ahead log. While another process writes to one that keeps none yet, as when it does the same to a new
 * file, SQLite answers SQLITE_BUSY at once, whatever `busy_timeout` says: so it is tried again for `timeoutMs`. Blocks the thread.
 */
export function keepWriteAheadLog(database: Database.Database, timeoutMs: number): void {
  const giveUpAt = performance.now() + timeoutMs;
  for (;;) {
    try {
      database.exec('pragma journal_mode = wal');
      return;
    } catch (error) {
      const { code = '' } = error as { code?: string };
      if (!code.startsWith('SQLITE_BUSY') || performance.now() > giveUpAt) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    }
  }
}
