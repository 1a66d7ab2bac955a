import type { Store } from '../src/ports/store.js';
import type { Database } from './database.js';
import type { RqliteOptions } from './drivers/rqlite.js';
import type { SqliteOptions } from './drivers/sqlite.js';
import { forOperator } from './for-operator.js';
import { migrate } from './migrations/migrate.js';
import { createStore } from './store/store.js';

export type StoreOptions = ({ driver: 'sqlite' } & SqliteOptions) | ({ driver: 'rqlite' } & RqliteOptions);

/** Opens the store and applies pending migrations. Any number of processes may do so at once. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const database = await openDatabase(options);
  try {
    await migrate(database);
    return createStore(database);
  } catch (error) {
    await database.close();
    throw forOperator(error);
  }
}

/**
 * Applies pending migrations and closes the database (`release` in the Procfile). Resolves with the
 * names of the applied migrations.
 */
export async function migrateStore(options: StoreOptions): Promise<string[]> {
  const database = await openDatabase(options);
  try {
    return await migrate(database);
  } catch (error) {
    throw forOperator(error);
  } finally {
    await database.close();
  }
}

async function openDatabase(options: StoreOptions): Promise<Database> {
  switch (options.driver) {
    case 'sqlite':
      return (await import('./drivers/sqlite.js')).openSqlite(options);
    case 'rqlite':
      return (await import('./drivers/rqlite.js')).openRqlite(options);
  }
}
