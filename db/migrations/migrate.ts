import type { Database } from '../database.js';
import { MIGRATIONS, type Migration } from './all.js';

/**
 * Brings the schema up to date and returns the names of what was applied. Any number of processes
 * may do it at once, without a lock that a killed one would leave behind: a migration and its
 * record are one batch, so of two racers one fails on the record's key, changes nothing, and finds
 * the work done.
 */
export async function migrate(
  database: Database,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<string[]> {
  const { knex } = database;
  await database.run(
    knex
      .raw(
        'create table if not exists schema_migrations (name text not null primary key, applied_at integer)',
      )
      .options({ idempotent: true }),
  );
  const applied: string[] = [];
  let done = await appliedNames(database);
  for (const { name, sql } of migrations) {
    if (done.has(name)) continue;
    try {
      await database.batch([
        knex('schema_migrations').insert({ name, applied_at: Date.now() }),
        knex.raw(sql.trim()),
      ]);
      applied.push(name);
    } catch (error) {
      // Lost a race, or the answer was lost: either way the record says whether it is there.
      done = await appliedNames(database);
      if (!done.has(name)) throw error;
    }
  }
  return applied;
}

async function appliedNames(database: Database): Promise<Set<string>> {
  const names: string[] = await database.run(database.knex('schema_migrations').pluck('name'));
  return new Set(names);
}
