import { FairLimiter, type FairLimits } from '../../src/fair-limiter.js';
import type { AttemptRow, AttemptStore, DeadGroup } from '../../src/ports/store/attempts.js';
import type { Database } from '../database.js';
import { createAttemptList } from './attempt-list.js';
import { createAttemptLogs } from './attempt-logs.js';
import { type AttemptRecord, INSERT_ATTEMPTS, toAttempt, toTuple, WRITTEN_COLUMNS } from './attempt-row.js';
import { createAttemptStats } from './attempt-stats.js';
import { createAttemptSweep } from './attempt-sweep.js';
import { createAttemptTally } from './attempt-tally.js';
import { auditQueries } from './audit.js';
import { createVersionFigures } from './version-figures.js';

/** The limits of one statement: a larger one would block all statements after it. */
const MAX_ROWS = 500;
const MAX_CHARACTERS = 4 << 20;

/**
 * Pages of logs and of invocations that are read at once. Each has up to 8 MB and is in memory
 * several times, as rows, as records and as text.
 */
const LARGE_READS: FairLimits = { each: 4, all: 16 };

/** The columns of an attempt except its messages, which only logs show. */
const COLUMNS = WRITTEN_COLUMNS.filter((column) => column !== 'messages');

/**
 * Without INDEXED BY, SQLite would use an index in the order of the result, and scan all ended
 * invocations.
 */
const ATTEMPTS_BY_DEAD = 'attempts indexed by attempts_dead';

/** Matches the attempt that ended a dead invocation, unless a later attempt has superseded it. */
const IS_DEAD = `state = 'dead' and not exists (
  select 1 from attempts later where later.request_id = attempts.request_id and later.attempt > attempts.attempt)`;

/** Creates the repository of attempts. */
export function createAttemptStore(database: Database): AttemptStore {
  const { knex } = database;
  const tally = createAttemptTally(database);
  const limiter = new FairLimiter(LARGE_READS);
  const [logs, list] = [createAttemptLogs(database), createAttemptList(database)];

  return {
    async write(rows) {
      for (const chunk of inChunks(rows)) {
        await database.run(knex.raw(INSERT_ATTEMPTS, [chunk]).options({ idempotent: true }));
      }
    },

    logs: (query) => limiter.run(query.namespace, () => logs(query)),

    async invocation(id) {
      const rows = await database.run<AttemptRecord[]>(
        knex<AttemptRecord>('attempts')
          .where({ request_id: id })
          .orderBy('attempt')
          .select('position', 'replayed_at', ...COLUMNS, knex.raw("'[]' as messages")),
      );
      const now = Date.now();
      return rows.length === 0 ? null : { attempts: rows.map((row) => toAttempt(row, now)) };
    },

    list: (query) => limiter.run(query.namespace, () => list(query)),
    figures: createVersionFigures(database),
    ...createAttemptStats(database),

    async takeDead(id) {
      const [rows] = await database.batch([
        knex.raw(`select * from attempts where request_id = ? and ${IS_DEAD}`, [id]),
        knex.raw(`update attempts set state = status, replayed_at = ? where request_id = ? and ${IS_DEAD}`, [
          Date.now(),
          id,
        ]),
      ]);
      const [row] = rows as AttemptRecord[];
      return row === undefined ? null : toAttempt(row, Date.now());
    },

    async purgeDead(namespace, fn, { reason, ids, audit } = {}) {
      const table = ids === undefined ? ATTEMPTS_BY_DEAD : 'attempts';
      let where = 'namespace = ? and function = ?';
      const bindings: string[] = [namespace, fn];
      if (reason !== undefined) {
        where += ' and reason = ?';
        bindings.push(reason);
      }
      if (ids !== undefined) {
        where += ' and request_id in (select value from json_each(?))';
        bindings.push(JSON.stringify(ids));
      }
      const [rows] = await database.batch([
        knex.raw(`select request_id from ${table} where ${where} and ${IS_DEAD}`, bindings),
        // Includes superseded dead letters: their input is no longer needed.
        knex.raw(
          `update ${table} set state = status, reason = null, input = null, http_request = null
           where ${where} and state = 'dead'`,
          bindings,
        ),
        ...auditQueries(knex, audit),
      ]);
      return (rows as unknown[]).length;
    },

    async countDead() {
      return database.run<{ namespace: string; reason: string; count: number }[]>(
        knex.raw(
          `select namespace, coalesce(reason, 'error') as reason, count(*) as count
           from ${ATTEMPTS_BY_DEAD} where ${IS_DEAD} group by 1, 2 order by 1, 2`,
        ),
      );
    },

    async deadGroups(namespace) {
      return database.run<DeadGroup[]>(
        knex.raw(
          `select function, coalesce(reason, 'error') as reason, count(*) as count,
             min(completed_at) as "oldestAt", max(completed_at) as "newestAt"
           from ${ATTEMPTS_BY_DEAD} where namespace = ? and ${IS_DEAD} group by 1, 2 order by 3 desc, 1, 2`,
          [namespace],
        ),
      );
    },

    async countEnded() {
      return (await tally()).ended;
    },

    sweep: createAttemptSweep(database, tally),
  };
}

/** Encodes the rows as JSON arrays of tuples, each within the limits of a statement. */
function* inChunks(rows: readonly AttemptRow[]): Generator<string> {
  let tuples: string[] = [];
  let characters = 0;
  for (const row of rows) {
    const tuple = JSON.stringify(toTuple(row));
    if (tuples.length === MAX_ROWS || (tuples.length > 0 && characters + tuple.length > MAX_CHARACTERS)) {
      yield `[${tuples.join(',')}]`;
      tuples = [];
      characters = 0;
    }
    tuples.push(tuple);
    characters += tuple.length;
  }
  if (tuples.length > 0) yield `[${tuples.join(',')}]`;
}
