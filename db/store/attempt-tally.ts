import type { Database } from '../database.js';

/** Rows that one statement looks at. */
const WINDOW = 20_000;
const SCOPE = 'attempts';
const NAME = 'ended';

interface Tally {
  /** Every row up to here has been counted. */
  position: number;
  ended: number;
}

export type AttemptTally = () => Promise<Tally>;

/**
 * An invocation may have ended twice (a stalled worker woke up late): the row written first counts.
 * Rows are counted in the order of writing, and one that turns into an end is written anew, so none
 * slips in behind.
 */
const COUNT = `
select max(position) as position, count(*) filter (where state is not null and not exists (
  select 1 from attempts other where other.request_id = recent.request_id
  and other.position < recent.position and other.state is not null)) as ended
from (select position, request_id, state from attempts not indexed where position > ? order by position limit ${WINDOW}) recent`;

/**
 * Counts the invocations that have ever ended, though their rows are deleted in time: how far it
 * has counted, and how many, is kept beside the rows. Nothing is added to the writing of a row.
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
      // Another process may count at the same time: who comes second changes nothing, and looks
      // again.
      if (held === undefined) await database.run(first(next));
      else await database.run(settings().where({ value: held }).update(next).options({ idempotent: true }));
    }
  };
}
