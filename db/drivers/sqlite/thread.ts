import { parentPort, workerData } from 'node:worker_threads';
import Database from 'libsql';
import { CallLock } from '../../../src/process/native-calls.js';
import { keepWriteAheadLog } from '../../write-ahead-log.js';
import type {
  SqliteReply,
  SqliteRequest,
  SqliteThreadData,
  SqlValue,
  Statement,
  StatementResult,
} from './protocol.js';

/**
 * The thread that owns the file. libsql is synchronous: on the main thread, an fsync, a checkpoint
 * or a wait for another process's lock would block the event loop and with it the lock renewals of
 * running jobs.
 */

/**
 * The number of cached prepared statements; the frequent ones run thousands of times per second.
 */
const MAX_PREPARED = 200;

if (parentPort === null) throw new Error('thread.js must run as a worker thread');
const port = parentPort;
const data = workerData as SqliteThreadData;
const lock = new CallLock(data.lock);
const database = open(data);
const prepared = new Map<string, Database.Statement>();

/**
 * Opens the file. On failure, posts the error and ends the thread: of a thrown error only the
 * message would arrive.
 */
function open({ file, busyTimeoutMs }: SqliteThreadData): Database.Database {
  try {
    const opened = new Database(file);
    opened.defaultSafeIntegers(true);
    opened.exec(`pragma busy_timeout = ${busyTimeoutMs}`);
    keepWriteAheadLog(opened, busyTimeoutMs);
    opened.exec('pragma synchronous = full');
    return opened;
  } catch (error) {
    const { code = '', message } = error as { code?: string; message: string };
    const opened = !message.startsWith('ConnectionFailed');
    port.postMessage({
      kind: 'unopened',
      code: opened ? code : 'SQLITE_CANTOPEN',
      message,
    } satisfies SqliteReply);
    lock.unlock();
    process.exit();
  }
}

function prepare(sql: string): Database.Statement {
  const known = prepared.get(sql);
  if (known !== undefined) return known;
  const statement = database.prepare(sql);
  if (prepared.size >= MAX_PREPARED) prepared.clear();
  prepared.set(sql, statement);
  return statement;
}

/** Converts integers to bigint, because libsql binds every JavaScript number as REAL. */
function bind(value: SqlValue): SqlValue {
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
}

function readable(value: unknown): unknown {
  if (typeof value === 'bigint') {
    return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
  }
  return value instanceof ArrayBuffer ? new Uint8Array(value) : value;
}

function execute({ sql, bindings }: Statement): StatementResult {
  const statement = prepare(sql);
  const values = bindings.map(bind);
  if (!statement.reader) {
    const { changes, lastInsertRowid } = statement.run(values);
    return { rows: [], changes, lastId: Number(lastInsertRowid) };
  }
  const rows = statement.all(values) as Record<string, unknown>[];
  for (const row of rows) {
    for (const column in row) row[column] = readable(row[column]);
  }
  return { rows, changes: rows.length, lastId: 0 };
}

function executeAll(statements: readonly Statement[]): StatementResult[] {
  if (statements.length === 1) return statements.map(execute);
  // IMMEDIATE, because a transaction that reads before it writes must not fail when another process
  // writes in between.
  database.exec('begin immediate');
  try {
    const results = statements.map(execute);
    database.exec('commit');
    return results;
  } catch (error) {
    // SQLite rolls back by itself when the disk is full; a second ROLLBACK would hide the original
    // error.
    if (database.inTransaction) database.exec('rollback');
    throw error;
  }
}

port.on('message', (request: SqliteRequest) => {
  if (request === 'close') {
    lock.run(() => database.close());
    port.close();
    return;
  }
  const { id, statements } = request;
  let reply: SqliteReply;
  try {
    reply = { kind: 'done', id, results: lock.run(() => executeAll(statements)) };
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    reply = { kind: 'failed', id, code: code ?? 'SQLITE_ERROR', message };
  }
  port.postMessage(reply);
});

lock.unlock();
port.postMessage({ kind: 'opened' } satisfies SqliteReply);
