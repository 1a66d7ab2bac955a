import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import Database from 'libsql';
import { AppError } from '../errors.js';
import { nodeErrorCode } from '../node-error-code.js';
import type { Closable } from '../ports/closable.js';
import { fileReason } from './file-reason.js';
import { makeDirectory } from './make-directory.js';

/**
 * Locks a data directory for this process. Call it before anything in the directory is opened: two
 * engines on one directory would silently corrupt the queue's database.
 *
 * The lock is an exclusive transaction on a small SQLite file. The operating system releases it
 * when the process ends for any reason, so there are no stale locks. The pid file is used only in
 * the error message. Throws `bad_config` if another process holds the lock.
 */
export function lockDataDir(dir: string): Closable {
  return takeLock(dir, 'BEGIN EXCLUSIVE');
}

/**
 * Locks a data directory that processes share through Redis against a process that needs it for
 * itself: `orama up` without REDIS_URL would run the same schedules on a queue of its own. The lock
 * is a read transaction, of which there may be any number.
 */
export function shareDataDir(dir: string): Closable {
  return takeLock(dir, 'BEGIN; SELECT count(*) FROM sqlite_schema');
}

function takeLock(dir: string, begin: string): Closable {
  const path = resolve(dir);
  const holder = join(path, 'lock.pid');
  const database = openLockFile(path);
  try {
    // With the journal off, the lock causes no disk writes. With a busy timeout of 0, a second
    // process fails immediately.
    database.exec(`PRAGMA journal_mode = OFF; PRAGMA busy_timeout = 0; ${begin}`);
  } catch (error) {
    database.close();
    if (nodeErrorCode(error) !== 'SQLITE_BUSY') throw unusable(path, error);
    throw new AppError(
      'bad_config',
      `The data directory ${path} is in use by process ${readHolder(holder)}; stop that one, or give this one another directory (--data or ORAMA_DATA_DIR).`,
      { cause: error },
    );
  }
  try {
    writeFileSync(holder, `${process.pid}\n`);
  } catch (error) {
    database.close();
    throw unusable(path, error);
  }
  let isOpen = true;
  return {
    close: async () => {
      if (!isOpen) return;
      isOpen = false;
      database.close();
    },
  };
}

function openLockFile(path: string): Database.Database {
  try {
    makeDirectory(path);
    return new Database(join(path, 'lock'));
  } catch (error) {
    throw unusable(path, error);
  }
}

function unusable(path: string, cause: unknown): AppError {
  return new AppError(
    'bad_config',
    `The data directory ${path} cannot be used (${reasonOf(cause)}); name one that can be written to.`,
    { cause },
  );
}

/**
 * The lock file is opened by SQLite, whose codes say less than those of the system. libsql gives no
 * code at all when it cannot open a file.
 */
function reasonOf(cause: unknown): string {
  const code = nodeErrorCode(cause);
  if (code === '') return 'its file "lock" cannot be opened for writing';
  if (code === 'SQLITE_CANTOPEN' || code === 'SQLITE_READONLY') return 'this user may not write there';
  return fileReason(cause);
}

function readHolder(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return 'unknown';
  }
}
