import { AppError } from '../../src/errors.js';
import type { SettingStore } from '../../src/ports/store/settings.js';
import type { Database } from '../database.js';
import { auditQueries } from './audit.js';

/** Creates the repository of settings. */
export function createSettingStore(database: Database): SettingStore {
  const { knex } = database;
  const settings = () => knex('settings');
  const theValue = (scope: string, name: string) => settings().where({ scope, name }).pluck('value');

  return {
    async get(scope, name) {
      const [value] = await database.run<string[]>(theValue(scope, name));
      return value ?? null;
    },

    async put(scope, name, value, audit) {
      await database.batch(
        [
          settings()
            .insert({ scope, name, value, updated_at: Date.now() })
            .onConflict(['scope', 'name'])
            .merge(),
          ...auditQueries(knex, audit),
        ],
        { idempotent: true },
      );
    },

    async putIfAbsent(scope, name, value) {
      const [, held] = await database.batch(
        [
          settings()
            .insert({ scope, name, value, updated_at: Date.now() })
            .onConflict(['scope', 'name'])
            .ignore(),
          theValue(scope, name),
        ],
        { idempotent: true },
      );
      const [stored] = held as string[];
      if (stored === undefined) {
        throw new AppError('internal', `The setting ${scope}/${name} could not be read back.`);
      }
      return stored;
    },
  };
}
