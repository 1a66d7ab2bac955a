import type { Namespace } from '../../src/contract/ids.js';
import type { KeyStore, StoredKey } from '../../src/ports/store.js';
import { uuidv7 } from '../../src/uuid.js';
import type { Database } from '../database.js';
import { batchWithinQuota, countCheck } from './quota-check.js';
import { rfc3339 } from './time.js';

interface KeyRow {
  id: string;
  namespace: Namespace;
  name: string;
  hash: string;
  is_admin: number;
  created_at: number;
  last_used_at: number | null;
}

export function createKeyStore(database: Database): KeyStore {
  const { knex } = database;
  const keys = () => knex<KeyRow>('api_keys');

  return {
    async add({ namespace, name, hash, isAdmin }, limit) {
      const row: KeyRow = {
        id: uuidv7(),
        namespace,
        name,
        hash,
        is_admin: isAdmin ? 1 : 0,
        created_at: Date.now(),
        last_used_at: null,
      };
      const used = { sql: 'select count(*) from api_keys where namespace = ?', bindings: [namespace] };
      const check =
        limit === undefined
          ? null
          : { namespace, ...countCheck('keys', limit, used, { sql: 'true', bindings: [] }) };
      await batchWithinQuota(database, check, [keys().insert(row)]);
      return toKey(row);
    },

    async byHash(hash) {
      const [row] = await database.run<KeyRow[]>(keys().where({ hash }));
      return row === undefined ? null : toKey(row);
    },

    async list(namespace) {
      const rows = await database.run<KeyRow[]>(keys().where({ namespace }).orderBy('id'));
      return rows.map(toKey);
    },

    async get(id) {
      const [row] = await database.run<KeyRow[]>(keys().where({ id }));
      return row === undefined ? null : toKey(row);
    },

    async revoke(id) {
      return (await database.run(keys().where({ id }).delete())) === 1;
    },

    async touch(id, usedAt) {
      await database.run(
        knex
          .raw('update api_keys set last_used_at = max(coalesce(last_used_at, 0), ?) where id = ?', [
            usedAt,
            id,
          ])
          .options({ idempotent: true }),
      );
    },
  };
}

function toKey(row: KeyRow): StoredKey {
  return {
    id: row.id,
    name: row.name,
    namespace: row.namespace,
    created_at: rfc3339(row.created_at),
    last_used_at: row.last_used_at === null ? null : rfc3339(row.last_used_at),
    isAdmin: row.is_admin === 1,
  };
}
