import type { AttemptStore, DeadGroup } from '../../src/ports/store/attempts.js';
import type { Database } from '../database.js';
import { type AttemptRecord, toAttempt } from './attempt-row.js';
import { auditQueries } from './audit.js';

/**
 * Without INDEXED BY, SQLite would use an index in the order of the result, and scan all ended
 * invocations.
 */
const ATTEMPTS_BY_DEAD = 'attempts indexed by attempts_dead';

/** Matches the attempt that ended a dead invocation, unless a later attempt has superseded it. */
const IS_DEAD = `state = 'dead' and not exists (
  select 1 from attempts later where later.request_id = attempts.request_id and later.attempt > attempts.attempt)`;

const NEWEST = 'select coalesce(max(position), 0) as last from attempts';
/**
 * The number of rows that one statement purges: a larger one would block all statements after it.
 */
const STEP = 500;

type DeadLetters = Pick<AttemptStore, 'takeDead' | 'purgeDead' | 'countDead' | 'deadGroups'>;

/** Dead letters: the last attempts of async invocations that failed permanently. */
export function createDeadLetters(database: Database): DeadLetters {
  const { knex } = database;

  return {
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
      // Those that die meanwhile are not purged, or this might not end.
      const [newest] = await database.run<{ last: number }[]>(knex.raw(NEWEST));
      let where = "namespace = ? and function = ? and state = 'dead' and position <= ?";
      const bindings: (string | number)[] = [namespace, fn, newest?.last ?? 0];
      if (reason !== undefined) {
        where += ' and reason = ?';
        bindings.push(reason);
      }
      if (ids !== undefined) {
        where += ' and request_id in (select value from json_each(?))';
        bindings.push(JSON.stringify(ids));
      }
      // Includes superseded dead letters: their input is no longer needed.
      const chosen = `position in (select position from ${table} where ${where} limit ${STEP})`;
      let purged = 0;
      for (let isFirst = true; ; isFirst = false) {
        const [rows] = await database.batch([
          knex.raw(`select ${IS_DEAD} as "isDead" from attempts where ${chosen}`, bindings),
          knex.raw(
            `update attempts set state = status, reason = null, input = null, http_request = null where ${chosen}`,
            bindings,
          ),
          ...(isFirst ? auditQueries(knex, audit) : []),
        ]);
        const found = rows as { isDead: number }[];
        purged += found.filter(({ isDead }) => isDead === 1).length;
        if (found.length < STEP) return purged;
      }
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
  };
}
