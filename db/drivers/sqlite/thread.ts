import { parentPort, workerData } from 'node:worker_threads';
import Database from 'libsql';
import { keepWriteAheadLog } from '../../write-ahead-log.js';
import type {
  SqliteReply,
  SqliteRequest,
  SqliteThreadOptions,
  SqlValue,
  Statement,
  StatementResult,
} from './protocol.js';

/**
 * The thread that owns the file. libsql is synchronous: an fsync, a checkpoint or the wait for
 * another process's lock would otherwise stop the main thread, and with it the lock renewals of
 * running jobs.
 */

/** Prepared statements are kept, because the hot ones come thousands of times a second. */
const MAX_PREPARED = 200;

if (parentPort === null) throw new Error('thread.ts is the body of a worker thread');
const port = parentPort;
const database = open(workerData as SqliteThreadOptions);
const prepared = new Map<string, Database.Statement>();

/**
 * Ends the thread with an error that the main thread can read: of a thrown one only the message
 * arrives.
 */
function open({ file, busyTimeoutMs }: SqliteThreadOptions): Database.Database {
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

/** libsql binds every JS number as a REAL: whole numbers must go as bigint to stay integers. */
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
  // IMMEDIATE: a transaction that first reads and then writes must not fail because another process
  // wrote between.
  database.exec('begin immediate');
  try {
    const results = statements.map(execute);
    database.exec('commit');
    return results;
  } catch (error) {
    // A full disk rolls back by itself; a second ROLLBACK would hide the first error.
    if (database.inTransaction) database.exec('rollback');
    throw error;
  }
}

port.on('message', ({ id, statements }: SqliteRequest) => {
  let reply: SqliteReply;
  try {
    reply = { kind: 'done', id, results: executeAll(statements) };
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    reply = { kind: 'failed', id, code: code ?? 'SQLITE_ERROR', message };
  }
  port.postMessage(reply);
});

port.on('close', () => database.close());
port.postMessage({ kind: 'opened' } satisfies SqliteReply);
