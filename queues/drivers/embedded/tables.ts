import type { SqliteConnection } from '../sqlite/connection.js';
import type { SqlValue } from '../sqlite/store.js';

/**
 * Our own tables in the queue's file, made and tidied at every start, when this process alone has
 * it. A job's namespace and input size are options of the job, where they are at hand without
 * reading its input.
 */
export const SETUP = `
CREATE TABLE IF NOT EXISTS orama_backlog (id INTEGER PRIMARY KEY, record TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS orama_cancelled (id TEXT PRIMARY KEY, at INTEGER NOT NULL DEFAULT (unixepoch())) WITHOUT ROWID;
DELETE FROM orama_cancelled WHERE at < unixepoch() - 86400;
-- Jobs that were deleted before a worker had them, whoever did it: see removed-jobs.ts.
CREATE TABLE IF NOT EXISTS orama_removed (id TEXT PRIMARY KEY, name TEXT NOT NULL, data TEXT NOT NULL) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS orama_removal BEFORE DELETE ON job
WHEN OLD.state IN (0, 2) AND json_extract(OLD.opts, '$.n') IS NOT NULL BEGIN
  INSERT OR REPLACE INTO orama_removed
  VALUES (OLD.id, OLD.name, coalesce(OLD.data, (SELECT data FROM payload WHERE key = OLD.key)));
END;
CREATE INDEX IF NOT EXISTS orama_namespace ON job (json_extract(opts, '$.n'), id) WHERE json_extract(opts, '$.n') IS NOT NULL;
-- Whoever had these is dead, for the process that has the directory is the only one: no need to wait for their locks.
UPDATE job SET locked_until = 0, stalled_mark = 1 WHERE state = 1;
DELETE FROM meta WHERE field = 'stalled-check';
`;

/** Statements name no queue; the connection wants one for what it keeps of each. */
const QUEUE = 'invocations';

export function rowsOf<R extends readonly unknown[]>(
  connection: SqliteConnection,
  sql: string,
  ...values: SqlValue[]
): Promise<R[]> {
  return connection.call({ command: 'query' }, 'query', QUEUE, sql, values) as Promise<unknown> as Promise<
    R[]
  >;
}

/** Runs the statement once for each list of values, all in one transaction. */
export function write(
  connection: SqliteConnection,
  sql: string,
  lists: readonly (readonly SqlValue[])[],
): Promise<number> {
  return connection.call({ command: 'execute' }, 'execute', QUEUE, sql, lists);
}
