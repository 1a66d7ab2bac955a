import { AppError, isAppError, messageOf } from '../../src/errors.js';
import type { Database } from '../database.js';
import { MIGRATIONS, type Migration } from './all.js';

/**
 * The first and the last of the migrations by which the schema grew before the first release. A
 * store that has the last one has all that 001-schema creates.
 */
const BEFORE_RELEASE = { first: '001-functions', last: '072-attempts-dead-positions' };

/**
 * Applies pending migrations. Resolves with the names of those applied. Any number of processes may
 * run it at once, without a lock that a killed process would leave behind: a migration and its
 * record are one batch, so of two concurrent processes one fails on the record's key, changes
 * nothing, and finds the migration applied.
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
  if (done.has(BEFORE_RELEASE.last)) done.add('001-schema');
  else if (done.has(BEFORE_RELEASE.first)) throw tooOld();
  for (const { name, statements } of migrations) {
    if (done.has(name)) continue;
    try {
      await database.batch([
        knex('schema_migrations').insert({ name, applied_at: Date.now() }),
        ...statements.map((sql) => knex.raw(sql)),
      ]);
      applied.push(name);
    } catch (error) {
      // Either another process was faster, or the reply was lost: the record shows whether the
      // migration is applied.
      done = await appliedNames(database);
      if (!done.has(name)) throw failed(name, error);
    }
  }
  return applied;
}

async function appliedNames(database: Database): Promise<Set<string>> {
  const names: string[] = await database.run(database.knex('schema_migrations').pluck('name'));
  return new Set(names);
}

/** The error of the database does not say what it was about; nothing else logs its reason. */
function failed(name: string, error: unknown): unknown {
  if (!isAppError(error, 'internal')) return error;
  const reason = messageOf(error.cause ?? error);
  return new AppError('internal', `The migration ${name} of the store failed: ${reason}`, { cause: error });
}

function tooOld(): AppError {
  return new AppError(
    'bad_config',
    `The store was made by a version before the first release and lacks its last change, ${BEFORE_RELEASE.last}; start the last such version on it once, or begin with an empty store.`,
  );
}
