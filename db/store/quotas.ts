import type { QuotaName } from '../../src/contract/quotas.js';
import type { QuotaStore, StoredUse } from '../../src/ports/store/quotas.js';
import type { Database } from '../database.js';
import { USED_KEYS } from './keys.js';

/**
 * SQL for the bytes that a namespace stores, with its name as two parameters. Equal bytes count
 * once among its modules and once among its blobs.
 */
export const STORAGE_BYTES = `
(select coalesce(sum(size), 0) from blob_owners where namespace = ?)
+ (select coalesce(sum(bytes), 0) from (
    select max(wasm_bytes) as bytes from function_versions where namespace = ? group by wasm_cid))`;

const USE = `
select
  (select count(*) from functions where namespace = ? and deleted_at is null) as functions,
  (select coalesce(max(n), 0) from (
    select count(*) as n from function_versions where namespace = ? group by name)) as versionsPerFunction,
  (select count(*) from triggers where namespace = ?) as triggers,
  (select count(*) from secrets where namespace = ?) as secrets,
  (${USED_KEYS}) as keys,
  ${STORAGE_BYTES} as storageBytes`;

const ADD_LOG_BYTES = `
insert into log_bytes (namespace, day, bytes) values (?, ?, ?)
on conflict (namespace, day) do update set bytes = bytes + excluded.bytes`;

/** Returns the parameters of USE, in its order. */
function useBindings(namespace: string, now: number): readonly (string | number)[] {
  return [namespace, namespace, namespace, namespace, ...[namespace, now], namespace, namespace];
}

/** Creates the repository of quotas and of the use that they limit. */
export function createQuotaStore(database: Database): QuotaStore {
  const { knex } = database;
  const quotas = () => knex<{ namespace: string; name: QuotaName; value: number }>('quotas');

  return {
    async overrides(namespace) {
      const rows = await database.run<{ name: QuotaName; value: number }[]>(quotas().where({ namespace }));
      return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
    },

    async set(namespace, changes) {
      const queries = Object.entries(changes).map(([name, value]) =>
        value === null
          ? knex('quotas').where({ namespace, name }).delete()
          : knex('quotas').insert({ namespace, name, value }).onConflict(['namespace', 'name']).merge(),
      );
      if (queries.length > 0) await database.batch(queries, { idempotent: true });
    },

    async use(namespace) {
      const [row] = await database.run<StoredUse[]>(knex.raw(USE, useBindings(namespace, Date.now())));
      return (
        row ?? { functions: 0, versionsPerFunction: 0, triggers: 0, secrets: 0, keys: 0, storageBytes: 0 }
      );
    },

    async logBytes(namespace, day) {
      const [bytes] = await database.run<number[]>(
        knex('log_bytes').where({ namespace, day }).pluck('bytes'),
      );
      return bytes ?? 0;
    },

    async addLogBytes(namespace, day, bytes) {
      const [, , rows] = await database.batch([
        // Past days are no longer needed.
        knex('log_bytes').where({ namespace }).andWhere('day', '<', day).delete(),
        knex.raw(ADD_LOG_BYTES, [namespace, day, bytes]),
        knex('log_bytes').where({ namespace, day }).pluck('bytes'),
      ]);
      const [total] = rows as number[];
      return total ?? bytes;
    },
  };
}
