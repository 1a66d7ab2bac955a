import type { SqliteConnection } from './backend/connection.js';
import { STATE } from './backend/schema.js';
import type { SqlValue } from './backend/store.js';

/** Deletes cancel requests that no worker needs any more. */
export const FORGET_CANCELLED = 'DELETE FROM orama_cancelled WHERE at < unixepoch() - 86400';

/**
 * The project's own tables in the queue's database. They are created and cleaned at every start,
 * while this process has exclusive access. The namespace and input size of a job are stored in its
 * options (`n`, `s`), where SQL can read them without the input.
 */
export const SETUP = `
CREATE TABLE IF NOT EXISTS orama_backlog (id INTEGER PRIMARY KEY, record TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS orama_backlog_refused (id INTEGER PRIMARY KEY, record TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS orama_cancelled (id TEXT PRIMARY KEY, at INTEGER NOT NULL DEFAULT (unixepoch())) WITHOUT ROWID;
${FORGET_CANCELLED};
-- Jobs that were deleted before a worker had them, also with another tool: see removals.ts.
CREATE TABLE IF NOT EXISTS orama_removed (id TEXT PRIMARY KEY, name TEXT NOT NULL, data TEXT NOT NULL) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS orama_removal BEFORE DELETE ON job
WHEN OLD.state IN (${STATE.waiting}, ${STATE.delayed}) AND json_extract(OLD.opts, '$.n') IS NOT NULL BEGIN
  INSERT OR REPLACE INTO orama_removed
  VALUES (OLD.id, OLD.name, coalesce(OLD.data, (SELECT data FROM payload WHERE key = OLD.key)));
END;
CREATE INDEX IF NOT EXISTS orama_namespace ON job (json_extract(opts, '$.n'), id) WHERE json_extract(opts, '$.n') IS NOT NULL;
-- The process that ran these is dead, because this one holds the lock on the directory:
-- do not wait for their locks.
UPDATE job SET locked_until = 0, stalled_mark = 1 WHERE state = ${STATE.active};
DELETE FROM meta WHERE field = 'stalled-check';
`;

/** The statements of these helpers belong to no queue, but a connection call must name one. */
const QUEUE = 'invocations';

/** Runs a query and resolves with its rows. */
export function rowsOf<R extends readonly unknown[]>(
  connection: SqliteConnection,
  sql: string,
  ...values: SqlValue[]
): Promise<R[]> {
  return connection.call({ command: 'query' }, 'query', QUEUE, sql, values) as Promise<unknown> as Promise<
    R[]
  >;
}

/** Runs the statement once per list of values, all in one transaction. */
export function write(
  connection: SqliteConnection,
  sql: string,
  lists: readonly (readonly SqlValue[])[],
): Promise<number> {
  return connection.call({ command: 'execute' }, 'execute', QUEUE, sql, lists);
}
