import { AppError } from '../../src/errors.js';
import { type AttemptStore, END_WITHOUT_RUN, type LogQuery } from '../../src/ports/store/attempts.js';
import type { Database } from '../database.js';
import { type AttemptRecord, toLogRecord } from './attempt-row.js';

/**
 * The number of rows per step of a follower that starts far back, which limits the duration of a
 * call.
 */
const FOLLOW_STEP = 20_000;

/** The columns of log records, without the other large columns. */
const COLUMNS = [
  ...['position', 'request_id', 'function', 'version', 'trigger', 'route', 'method', 'http_status'],
  ...[
    'attempt',
    'status',
    'started_at',
    'duration_ms',
    'input_size',
    'output_size',
    'memory_peak_mb',
    'error',
    'messages',
  ],
].join(', ');

/**
 * Rows and the end of the log are read in one statement: with two, a row written in between would
 * be returned twice.
 */
type LogRow = AttemptRecord & { head: number };

/** Creates the query of a function's log: its newest records, or those after a position. */
export function createAttemptLogs(database: Database): AttemptStore['logs'] {
  const { knex } = database;

  async function newest(query: LogQuery) {
    const { where, bindings } = conditions(query);
    const rows = await database.run<LogRow[]>(
      knex.raw(
        `select head.position as head, page.*
         from (select coalesce(max(position), 0) as position from attempts) head
         left join (
           select ${COLUMNS} from attempts where ${where} order by started_at desc, position desc limit ?
         ) page
         order by page.started_at desc, page.position desc`,
        [...bindings, query.limit],
      ),
    );
    return { records: records(rows), position: String(rows[0]?.head ?? 0) };
  }

  async function following(query: LogQuery, after: number) {
    const { where, bindings } = conditions(query);
    // NOT INDEXED makes SQLite read by position, which is the rowid. With the index by function, it
    // would sort the whole log of the function.
    const rows = await database.run<LogRow[]>(
      knex.raw(
        `with bounds as (
           select max(?, coalesce((select min(position) from attempts), 1) - 1) as low,
             coalesce((select max(position) from attempts), 0) as high
         )
         select min(bounds.high, bounds.low + ?) as head, page.*
         from bounds left join (
           select ${COLUMNS} from attempts not indexed
           where position > (select low from bounds) and position <= (select low + ? from bounds) and ${where}
           order by position limit ?
         ) page
         order by page.position`,
        [after, FOLLOW_STEP, FOLLOW_STEP, ...bindings, query.limit],
      ),
    );
    const found = rows.filter((row) => row.position !== null);
    const last = found.at(-1);
    const head = Math.max(after, rows[0]?.head ?? 0);
    const position = last !== undefined && found.length === query.limit ? last.position : head;
    return { records: records(rows), position: String(position) };
  }

  return (query) => {
    if (query.after === undefined) return newest(query);
    const after = Number(query.after);
    if (!Number.isSafeInteger(after) || after < 0) {
      throw new AppError(
        'invalid_request',
        `"${query.after}" is no position in a log; leave it out to begin.`,
      );
    }
    return following(query, after);
  };
}

/** Excludes attempts 0 and END_WITHOUT_RUN, which record ends without a run. */
function conditions({ namespace, function: fn, since, status, requestId }: LogQuery) {
  // `+` disables the index, so that SQLite does not scan the function's log for the rows of one
  // invocation.
  const own = requestId === undefined ? '' : '+';
  const parts: [sql: string, value: string | number | undefined][] = [
    [`${own}namespace = ?`, namespace],
    [`${own}function = ?`, fn],
    ['started_at >= ?', since],
    ['status = ?', status],
    ['request_id = ?', requestId],
  ];
  const asked = parts.filter(([, value]) => value !== undefined);
  return {
    where: ['attempt > 0', `attempt < ${END_WITHOUT_RUN}`, ...asked.map(([sql]) => sql)].join(' and '),
    bindings: asked.map(([, value]) => value ?? null),
  };
}

function records(rows: readonly LogRow[]) {
  return rows.filter((row) => row.position !== null).map(toLogRecord);
}
