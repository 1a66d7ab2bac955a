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
/** The number of dead letters that one statement counts; each takes some 6 µs. */
const COUNT_STEP = 2000;

/** Counts the dead letters of a step, which follows a namespace and a position in it. */
const COUNT = (where: string) => `
select namespace, function, coalesce(reason, 'error') as reason, max(position) as position,
  count(*) as "rows", count(*) filter (where counts) as count,
  min(completed_at) filter (where counts) as "oldestAt", max(completed_at) filter (where counts) as "newestAt"
from (
  select namespace, function, reason, completed_at, position, ${IS_DEAD} as counts
  from attempts indexed by attempts_dead_positions where state = 'dead' and ${where}
  order by namespace, position limit ${COUNT_STEP}
) group by 1, 2, 3 order by 1, 2, 3`;

type CountedGroup = DeadGroup & { namespace: string; position: number; rows: number };

type DeadLetters = Pick<AttemptStore, 'takeDead' | 'purgeDead' | 'countDead' | 'deadGroups'>;

/** Dead letters: the last attempts of async invocations that failed permanently. */
export function createDeadLetters(database: Database): DeadLetters {
  const { knex } = database;

  /**
   * Yields the groups of each step; the same group may be in several. Statements of others are
   * served between the steps.
   */
  async function* groups(where: string, [from]: [string]): AsyncGenerator<CountedGroup> {
    let after: [string, number] = [from, 0];
    for (;;) {
      const step = await database.run<CountedGroup[]>(knex.raw(COUNT(where), after));
      yield* step.filter(({ count }) => count > 0);
      const last = step.at(-1)?.namespace;
      if (last === undefined || step.reduce((sum, { rows }) => sum + rows, 0) < COUNT_STEP) return;
      const positions = step.filter(({ namespace }) => namespace === last).map(({ position }) => position);
      after = [last, Math.max(...positions)];
    }
  }

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

    async purgeDead(namespace, fn, { reason, ids, audit }) {
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
      const counts = new Map<string, { namespace: string; reason: string; count: number }>();
      for await (const { namespace, reason, count } of groups('(namespace, position) > (?, ?)', [''])) {
        const key = `${namespace}/${reason}`;
        counts.set(key, { namespace, reason, count: count + (counts.get(key)?.count ?? 0) });
      }
      return [...counts.values()];
    },

    async deadGroups(namespace) {
      const found = new Map<string, DeadGroup>();
      const steps = groups('namespace = ? and position > ?', [namespace]);
      for await (const { function: fn, reason, count, oldestAt, newestAt } of steps) {
        const key = `${fn}/${reason}`;
        const before = found.get(key);
        found.set(key, {
          function: fn,
          reason,
          count: count + (before?.count ?? 0),
          oldestAt: Math.min(oldestAt, before?.oldestAt ?? oldestAt),
          newestAt: Math.max(newestAt, before?.newestAt ?? newestAt),
        });
      }
      const order = ({ function: fn, reason }: DeadGroup) => `${fn} ${reason}`;
      return [...found.values()].sort(
        (one, other) => other.count - one.count || (order(one) < order(other) ? -1 : 1),
      );
    },
  };
}
