import { Worker } from 'node:worker_threads';
import Database from 'libsql';
import { MAX_HOST_RESULT_BYTES } from '../../../src/contract/limits.js';
import { keepWriteAheadLog } from '../../write-ahead-log.js';
import type { SqlArgument } from '../arguments.js';
import type { Operation, Outcome } from '../executor.js';
import { toJsonValue } from '../values.js';
import type { ChildReply, ChildRequest } from './sqlite-protocol.js';

/**
 * The process that runs functions' SQL. libsql is synchronous and cannot be interrupted, and some statements abort
 * the process it runs in (a text that is no UTF-8 does): so it is one that may be killed.
 */

const MAX_OPEN_FILES = 16;
const BUSY_TIMEOUT_MS = 5_000;
/** For what a statement builds up: a sort, a huge text. Beyond it the statement fails, not the machine. */
const MAX_HEAP_BYTES = 256 << 20;

/** A statement that never ends keeps this thread from seeing that the engine has died: another one looks. */
const WATCHDOG = `
  const { workerData: engine } = require('node:worker_threads');
  setInterval(() => { if (process.ppid !== engine) process.kill(process.pid, 'SIGKILL'); }, 1000);`;

class TooLarge extends Error {
  readonly code = 'RESULT_TOO_LARGE';
}

const databases = new Map<string, Database.Database>();

/** The least recently used file is closed when too many are open. */
function database(file: string): Database.Database {
  const known = databases.get(file);
  databases.delete(file);
  const opened = known ?? open(file);
  databases.set(file, opened);
  if (databases.size > MAX_OPEN_FILES) {
    const [oldest] = databases;
    if (oldest !== undefined) {
      databases.delete(oldest[0]);
      oldest[1].close();
    }
  }
  return opened;
}

function open(file: string): Database.Database {
  const opened = new Database(file);
  opened.defaultSafeIntegers(true);
  for (const pragma of [
    `busy_timeout = ${BUSY_TIMEOUT_MS}`,
    'synchronous = full',
    'foreign_keys = on',
    'trusted_schema = off',
    `hard_heap_limit = ${MAX_HEAP_BYTES}`,
  ]) {
    opened.exec(`pragma ${pragma}`);
  }
  keepWriteAheadLog(opened, BUSY_TIMEOUT_MS);
  return opened;
}

/** libsql binds every JS number as a REAL: whole numbers go as bigint to stay integers. */
function bind(value: SqlArgument): SqlArgument {
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
}

function execute(db: Database.Database, { kind, sql, verb, args }: Operation): Outcome {
  // The second wall behind the guard: whatever a query calls itself, it cannot write.
  db.exec(`pragma query_only = ${kind === 'query' ? 1 : 0}`);
  const statement = db.prepare(sql);
  const bindings = args.map(bind);
  if (!statement.reader) statement.run(bindings);
  const rows = statement.reader ? readRows(statement.iterate(bindings)) : [];
  if (kind === 'query' || verb === 'select') return { rows, rowsAffected: 0, lastInsertId: null };
  // DDL leaves the counters of an earlier statement as they were.
  if (verb === 'create' || verb === 'alter' || verb === 'drop')
    return { rows, rowsAffected: 0, lastInsertId: null };
  const counters = db.prepare('select changes() as changed, last_insert_rowid() as id').raw().get([]);
  const [changed, id] = counters as [bigint, bigint];
  const inserted = (verb === 'insert' || verb === 'replace') && changed > 0n;
  return { rows, rowsAffected: Number(changed), lastInsertId: inserted ? Number(id) : null };
}

function readRows(found: Iterable<unknown>): Record<string, unknown>[] {
  const rows: Record<string, unknown>[] = [];
  let bytes = 2;
  for (const row of found as Iterable<Record<string, unknown>>) {
    for (const column in row) row[column] = toJsonValue(row[column]);
    bytes += Buffer.byteLength(JSON.stringify(row)) + 1;
    if (bytes > MAX_HOST_RESULT_BYTES) throw new TooLarge('the result is larger than 8 MB');
    rows.push(row);
  }
  return rows;
}

function answer({ file, operations }: ChildRequest): ChildReply {
  const outcomes: Outcome[] = [];
  let db: Database.Database | undefined;
  try {
    db = database(file);
    if (operations.length > 1) {
      db.exec('pragma query_only = 0');
      db.exec(operations.every(isQuery) ? 'begin' : 'begin immediate');
    }
    for (const operation of operations) outcomes.push(execute(db, operation));
    if (operations.length > 1) db.exec('commit');
    return { kind: 'done', outcomes };
  } catch (error) {
    if (db?.inTransaction) db.exec('rollback');
    const { code, message } = error as { code?: string; message: string };
    const spent = error instanceof TooLarge;
    return { kind: 'failed', code: code || 'SQLITE_ERROR', message, at: outcomes.length, spent };
  }
}

function isQuery({ kind }: Operation): boolean {
  return kind === 'query';
}

// The engine's process id comes with the start: asked for here, it could be that of the heir already.
new Worker(WATCHDOG, { eval: true, workerData: Number(process.argv[2]) }).unref();
process.on('disconnect', () => process.exit());
process.on('message', (request: ChildRequest) => process.send?.(answer(request)));
