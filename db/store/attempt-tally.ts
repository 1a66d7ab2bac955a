import type { Database } from '../database.js';

/** The number of rows that one statement examines. */
const WINDOW = 20_000;
const SCOPE = 'attempts';
const NAME = 'ended';

interface Tally {
  /** All rows up to this position have been counted. */
  position: number;
  ended: number;
}

export type AttemptTally = () => Promise<Tally>;

/**
 * Counts ends. An invocation may have ended twice (a stalled worker resumed late); only the row
 * written first counts. Rows are counted in the order of writing, and a row that becomes an end
 * gets a new position, so no end is missed.
 */
const COUNT = `
select max(position) as position, count(*) filter (where state is not null and not exists (
  select 1 from attempts other where other.request_id = recent.request_id
  and other.position < recent.position and other.state is not null)) as ended
from (select position, request_id, state from attempts not indexed where position > ? order by position limit ${WINDOW}) recent`;

/**
 * Creates the count of all invocations that have ever ended, although their rows are deleted later:
 * the count and the position up to which it is valid are stored in the settings. Writing a row has
 * no additional cost.
 */
export function createAttemptTally(database: Database): AttemptTally {
  const { knex } = database;
  const settings = () => knex('settings').where({ scope: SCOPE, name: NAME });

  const first = (row: object) =>
    knex('settings').insert(row).onConflict(['scope', 'name']).ignore().options({ idempotent: true });

  return async () => {
    for (;;) {
      const [held] = await database.run<string[]>(settings().pluck('value'));
      const from: Tally = held === undefined ? { position: 0, ended: 0 } : JSON.parse(held);
      const [window] = await database.run<{ position: number | null; ended: number }[]>(
        knex.raw(COUNT, [from.position]),
      );
      if (window === undefined || window.position === null) return from;
      const to: Tally = { position: window.position, ended: from.ended + window.ended };
      const value = JSON.stringify(to);
      const next = { scope: SCOPE, name: NAME, value, updated_at: Date.now() };
      // Another process may count at the same time: the slower one changes nothing and reads again.
      if (held === undefined) await database.run(first(next));
      else await database.run(settings().where({ value: held }).update(next).options({ idempotent: true }));
    }
  };
}
