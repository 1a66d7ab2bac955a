import type { Namespace } from '../../src/contract/ids.js';
import type { SealedSecret, SecretStore } from '../../src/ports/store/secrets.js';
import type { Database } from '../database.js';
import { auditQueries } from './audit.js';
import { batchWithinQuota, countCheck } from './quota-check.js';
import { rfc3339 } from './time.js';

interface SecretRow {
  namespace: Namespace;
  name: string;
  sealed: Uint8Array;
  key_id: string;
  created_at: number;
  updated_at: number;
}

/** Creates the repository of sealed secrets. */
export function createSecretStore(database: Database): SecretStore {
  const { knex } = database;
  const secrets = () => knex<SecretRow>('secrets');

  return {
    async put(namespace, { name, sealed, keyId }, audit, limit) {
      const now = Date.now();
      const put = secrets()
        .insert({ namespace, name, sealed, key_id: keyId, created_at: now, updated_at: now })
        .onConflict(['namespace', 'name'])
        .merge(['sealed', 'key_id', 'updated_at']);
      const used = { sql: 'select count(*) from secrets where namespace = ?', bindings: [namespace] };
      const more = {
        sql: 'not exists (select 1 from secrets where namespace = ? and name = ?)',
        bindings: [namespace, name],
      };
      const check = { namespace, ...countCheck('secrets', limit, used, more) };
      const queries = [put, ...auditQueries(knex, audit)];
      await batchWithinQuota(database, check, queries, { idempotent: true });
    },

    async get(namespace, name) {
      const [row] = await database.run<SecretRow[]>(secrets().where({ namespace, name }));
      return row === undefined ? null : toSealed(row);
    },

    async list(namespace) {
      const rows = await database.run<SecretRow[]>(secrets().where({ namespace }).orderBy('name'));
      return rows.map((row) => ({
        name: row.name,
        created_at: rfc3339(row.created_at),
        updated_at: rfc3339(row.updated_at),
      }));
    },

    async remove(namespace, name, audit) {
      const results = await database.batch([
        ...auditQueries(knex, audit, {
          sql: 'exists (select 1 from secrets where namespace = ? and name = ?)',
          bindings: [namespace, name],
        }),
        secrets().where({ namespace, name }).delete(),
      ]);
      return results.at(-1) === 1;
    },

    async notSealedWith(keyId, limit, after) {
      const query = secrets().whereNot({ key_id: keyId }).orderBy(['namespace', 'name']).limit(limit);
      if (after !== null) query.whereRaw('(namespace, name) > (?, ?)', [after.namespace, after.name]);
      const rows = await database.run<SecretRow[]>(query);
      return rows.map((row) => ({ ...toSealed(row), namespace: row.namespace }));
    },

    async reseal(namespace, from, to) {
      const changed = await database.run(
        secrets()
          .where({ namespace, name: from.name, sealed: from.sealed, key_id: from.keyId })
          .update({ sealed: to.sealed, key_id: to.keyId }),
      );
      return changed === 1;
    },
  };
}

function toSealed(row: SecretRow): SealedSecret {
  return { name: row.name, sealed: row.sealed, keyId: row.key_id };
}
