import type { TriggerStore } from '../../src/ports/store/triggers.js';
import type { Database } from '../database.js';
import { auditQueries } from './audit.js';
import { functionExists, insertIf } from './insert-if.js';
import { batchWithinQuota, countCheck } from './quota-check.js';
import { deleteTriggerSettings, newTriggerRow, type TriggerRow, toTrigger } from './trigger-row.js';

/** A trigger of function.yaml becomes one of the API, which deploys do not remove. */
const ADOPT = `
(namespace, function, spec) do update set
  overlap = excluded.overlap, catch_up = excluded.catch_up, source = excluded.source`;

/** Creates the repository of triggers. */
export function createTriggerStore(database: Database): TriggerStore {
  const { knex } = database;
  const triggers = () => knex<TriggerRow>('triggers');

  return {
    async add(namespace, fn, spec, audit, limit) {
      const row = newTriggerRow(namespace, fn, spec);
      const used = { sql: 'select count(*) from triggers where namespace = ?', bindings: [namespace] };
      const more = {
        sql: 'not exists (select 1 from triggers where namespace = ? and function = ? and spec = ?)',
        bindings: [namespace, fn, row.spec],
      };
      const exists = functionExists(namespace, fn);
      const check = { namespace, ...countCheck('triggers', limit, used, more) };
      const results = await batchWithinQuota(
        database,
        check,
        [
          insertIf(knex, 'triggers', row, exists, ADOPT),
          ...auditQueries(knex, audit, exists),
          triggers().where({ namespace, function: fn, spec: row.spec }),
        ],
        { idempotent: true },
      );
      const [held] = results.at(-1) as TriggerRow[];
      return held === undefined ? null : toTrigger(held);
    },

    async get(id) {
      const [row] = await database.run<TriggerRow[]>(triggers().where({ id }));
      return row === undefined ? null : toTrigger(row);
    },

    async list(namespace, fn) {
      const rows = await database.run<TriggerRow[]>(
        triggers()
          .where(fn === undefined ? { namespace } : { namespace, function: fn })
          .orderBy(['function', 'id']),
      );
      return rows.map(toTrigger);
    },

    async schedules() {
      const rows = await database.run<TriggerRow[]>(triggers().whereNotNull('cron').orderBy('id'));
      return rows.map(toTrigger);
    },

    async setEnabled(namespace, fn, id, enabled, audit) {
      const own = () => triggers().where({ namespace, function: fn, id });
      const results = await database.batch([
        own().update({ enabled: enabled ? 1 : 0 }),
        ...auditQueries(knex, audit, {
          sql: 'exists (select 1 from triggers where namespace = ? and function = ? and id = ?)',
          bindings: [namespace, fn, id],
        }),
        own(),
      ]);
      const [row] = results.at(-1) as TriggerRow[];
      return row === undefined ? null : toTrigger(row);
    },

    async remove(namespace, fn, id, audit) {
      const results = await database.batch([
        ...auditQueries(knex, audit, {
          sql: 'exists (select 1 from triggers where namespace = ? and function = ? and id = ?)',
          bindings: [namespace, fn, id],
        }),
        deleteTriggerSettings(knex, 'namespace = ? and function = ? and id = ?', [namespace, fn, id]),
        triggers().where({ namespace, function: fn, id }).delete(),
      ]);
      return results.at(-1) === 1;
    },
  };
}
