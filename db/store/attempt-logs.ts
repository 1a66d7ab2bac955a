import type { LogMessage } from '../../src/contract/invocation.js';
import { MAX_PAGE_BYTES, MB } from '../../src/contract/limits.js';
import { AppError } from '../../src/errors.js';
import type { AttemptStore, LogQuery } from '../../src/ports/store/attempts.js';
import type { Database } from '../database.js';
import { IS_ATTEMPT } from './attempt-number.js';
import { type AttemptRecord, toLogRecord } from './attempt-row.js';
import { rfc3339 } from './time.js';

/**
 * The number of rows per step of a follower that starts far back, which limits the duration of a
 * call.
 */
const FOLLOW_STEP = 20_000;

/** The columns of log records except the messages, without the other large columns. */
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
  ],
]
  .map((column) => `a.${column}`)
  .join(', ');

/** Does not read the messages themselves, which may fill many pages of the database. */
const BYTES = 'octet_length(messages) + coalesce(octet_length(error), 0)';

/**
 * Rows and the end of the log are read in one statement: with two, a row written in between would
 * be returned twice.
 */
type LogRow = Omit<AttemptRecord, 'messages'> & {
  messages: string | null;
  head: number;
  chosen: number | null;
};

/**
 * Creates the query of a function's log: its newest records, or those after a position. A page has
 * at most MAX_PAGE_BYTES of messages: of the newest records, those beyond have none; a page after a
 * position ends early.
 */
export function createAttemptLogs(database: Database): AttemptStore['logs'] {
  const { knex } = database;

  async function newest(query: LogQuery) {
    const { where, bindings } = conditions(query);
    const rows = await database.run<LogRow[]>(
      knex.raw(
        `select head.position as head, page.*
         from (select coalesce(max(position), 0) as position from attempts) head
         left join (
           select ${COLUMNS}, case when sized.bytes <= ${MAX_PAGE_BYTES} then a.messages end as messages
           from (
             select position,
               sum(bytes) over (order by started_at desc, position desc rows unbounded preceding) as bytes
             from (
               select position, started_at, ${BYTES} as bytes from attempts where ${where}
               order by started_at desc, position desc limit ?
             )
           ) sized join attempts a on a.position = sized.position
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
           select ${COLUMNS}, a.messages, sized.chosen
           from (
             select position, count(*) over () as chosen,
               sum(bytes) over (order by position rows unbounded preceding) - bytes as before
             from (
               select position, ${BYTES} as bytes from attempts not indexed
               where position > (select low from bounds) and position <= (select low + ? from bounds) and ${where}
               order by position limit ?
             )
           ) sized join attempts a on a.position = sized.position
           where sized.before < ${MAX_PAGE_BYTES}
         ) page
         order by page.position`,
        [after, FOLLOW_STEP, FOLLOW_STEP, ...bindings, query.limit],
      ),
    );
    if ((rows[0]?.head ?? 0) < after && !(await hasAssigned(after))) {
      const page = await newest(query);
      return { ...page, records: page.records.toReversed() };
    }
    const found = rows.filter((row) => row.position !== null);
    const last = found.at(-1);
    const head = Math.max(after, rows[0]?.head ?? 0);
    const isLast = found.length === last?.chosen && found.length < query.limit;
    const position = last === undefined || isLast ? head : last.position;
    return { records: records(rows), position: String(position) };
  }

  /**
   * Returns whether a row has had this position; it may have been deleted since. If none has, the
   * position is one of another store: a backup was restored, or the data directory is new.
   */
  async function hasAssigned(position: number): Promise<boolean> {
    const rows = await database.run<{ seq: number }[]>(
      knex.raw("select seq from sqlite_sequence where name = 'attempts'"),
    );
    return (rows[0]?.seq ?? 0) >= position;
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
  const given = parts.filter(([, value]) => value !== undefined);
  return {
    where: [IS_ATTEMPT, ...given.map(([sql]) => sql)].join(' and '),
    bindings: given.map(([, value]) => value ?? null),
  };
}

function records(rows: readonly LogRow[]) {
  return rows.filter((row) => row.position !== null).map((row) => toLogRecord(withMessages(row)));
}

/** Says in the record that its messages are not shown. */
function withMessages({ messages, ...row }: LogRow): AttemptRecord {
  if (messages !== null) return { ...row, messages };
  const message =
    `The messages of this record are not shown, because the list has reached its maximum of ${MAX_PAGE_BYTES / MB} MB; ` +
    'request the record with ?request_id=.';
  const left: LogMessage = { level: 'warn', message, timestamp: rfc3339(row.started_at) };
  return { ...row, messages: JSON.stringify([left]) };
}
