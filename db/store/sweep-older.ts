import type { Database } from '../database.js';

/** Deletes the oldest rows of before a time, at most `limit`. Resolves with their number. */
export function sweepOlder(
  { knex, run }: Database,
  table: string,
  { key, time, limit }: { key: string; time: string; limit: number },
  before: number,
): Promise<number> {
  const oldest = `select ${key} from ${table} where ${time} < ? order by ${time} limit ${limit}`;
  return run(
    knex(table).whereRaw(`(${key}) in (${oldest})`, [before]).delete().options({ idempotent: true }),
  );
}
