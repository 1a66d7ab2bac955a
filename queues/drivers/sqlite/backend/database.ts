import Database from 'libsql';
import type { ThreadOptions } from './protocol.js';
import { SCHEMA, SCHEMA_VERSION } from './schema.js';

const PAUSE_MS = 10;

/**
 * Opens or creates the database file. WAL with `synchronous=FULL`: every commit is on disk before
 * it is acknowledged. Throws when the file cannot be opened or has a newer schema.
 */
export function openDatabase({ file, busyTimeoutMs, setup }: ThreadOptions): Database.Database {
  const database = new Database(file);
  try {
    database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    // Takes effect only before the first table is created. Lets the file return free pages
    // incrementally (https://sqlite.org/pragma.html#pragma_auto_vacuum).
    database.exec('PRAGMA auto_vacuum = INCREMENTAL');
    retryWhileBusy(busyTimeoutMs, () => database.exec('PRAGMA journal_mode = WAL'));
    database.exec('PRAGMA synchronous = FULL; PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY');
    migrate(database, file);
    if (setup !== null) database.exec(setup);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function migrate(database: Database.Database, file: string): void {
  database.exec('BEGIN IMMEDIATE');
  const [version] = database.prepare('PRAGMA user_version').raw().get([]) as [number];
  if (version > SCHEMA_VERSION) {
    database.exec('ROLLBACK');
    throw new Error(
      `The queue in ${file} was written by a newer version (schema ${version}, this one knows ${SCHEMA_VERSION}); start that version.`,
    );
  }
  if (version === 0) database.exec(`${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION}`);
  database.exec('COMMIT');
}

/**
 * Changing the journal mode fails with SQLITE_BUSY immediately while another process does the same,
 * regardless of `busy_timeout`.
 */
function retryWhileBusy(timeoutMs: number, work: () => void): void {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      work();
      return;
    } catch (error) {
      const { code = '' } = error as { code?: string };
      if (!code.startsWith('SQLITE_BUSY') || performance.now() > deadline) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    }
  }
}
