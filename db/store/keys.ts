import type { Knex } from 'knex';
import type { Namespace } from '../../src/contract/ids.js';
import type { GrantedScope } from '../../src/contract/scopes.js';
import type { KeyMaker, KeyStore, StoredKey } from '../../src/ports/store/keys.js';
import type { Database, Query } from '../database.js';
import { auditQueries } from './audit.js';
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
  scopes: string;
  functions: string | null;
  expires_at: number | null;
  created_by: string;
}

/** The maximum number of keys that one step of the sweep deletes. */
const STEP = 500;

/** SQL for the number of valid keys; its parameters are the namespace and the time. */
export const USED_KEYS =
  'select count(*) from api_keys where namespace = ? and (expires_at is null or expires_at > ?)';

/**
 * The maker is checked in the statement that adds the key: a maker that is revoked at the same time
 * adds none. So is the hash of an admin key.
 */
const INSERT_KEY = `
insert into api_keys (
  id, namespace, name, hash, is_admin, created_at, scopes, functions, expires_at, created_by)
select ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
where not exists (select 1 from revoked_admin_keys where hash = ?) and `;

const REMEMBER_ADMIN = `
insert or ignore into revoked_admin_keys (hash, revoked_at)
select hash, ? from api_keys where id = ? and is_admin = 1`;

const INHERIT_MAKERS = `
insert or ignore into key_makers (maker, key_id)
select maker, ? from key_makers where key_id = ? and exists (select 1 from api_keys where id = ?)`;

const ADD_MAKER = `
insert or ignore into key_makers (maker, key_id)
select ?, id from api_keys where id = ?`;

/** Creates the repository of API keys. */
export function createKeyStore(database: Database): KeyStore {
  const { knex } = database;
  const keys = () => knex<KeyRow>('api_keys');

  return {
    async add({ id, maker, ...key }, audit, limit) {
      const { namespace } = key;
      const now = Date.now();
      const holds = makerHolds(maker, now);
      const used = { sql: USED_KEYS, bindings: [namespace, now] };
      const check =
        limit === null
          ? null
          : { namespace, ...countCheck('keys', limit, used, { sql: 'true', bindings: [] }) };
      const results = await batchWithinQuota(database, check, [
        knex.raw(INSERT_KEY + holds.sql, [
          id,
          namespace,
          key.name,
          key.hash,
          key.isAdmin ? 1 : 0,
          now,
          JSON.stringify(key.scopes),
          key.functions === null ? null : JSON.stringify(key.functions),
          key.expiresAt,
          key.createdBy,
          key.hash,
          ...holds.bindings,
        ]),
        ...(maker?.kind === 'key' ? [knex.raw(INHERIT_MAKERS, [id, maker.id, id])] : []),
        ...(maker === null ? [] : [knex.raw(ADD_MAKER, [makerName(maker), id])]),
        ...auditQueries(knex, audit, {
          sql: 'exists (select 1 from api_keys where id = ?)',
          bindings: [id],
        }),
        keys().where({ id }),
      ]);
      const [row] = results.at(-1) as KeyRow[];
      return row === undefined ? null : toKey(row);
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

    async admins() {
      const rows = await database.run<KeyRow[]>(keys().where({ is_admin: 1 }).orderBy('id'));
      return rows.map(toKey);
    },

    async revoke(id, audit) {
      const itself = { sql: 'exists (select 1 from api_keys where id = ?)', bindings: [id] };
      const results = await database.batch([
        ...auditQueries(knex, audit, itself),
        knex.raw(REMEMBER_ADMIN, [Date.now(), id]),
        ...revokeMadeBy(knex, { kind: 'key', id }),
        knex('key_makers').where({ key_id: id }).delete(),
        keys().where({ id }).delete(),
      ]);
      return results.at(-1) === 1;
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

    async sweep(before) {
      const ended = keys().where('expires_at', '<', before).orderBy('expires_at').limit(STEP);
      const ids = await database.run<string[]>(ended.pluck('id'));
      if (ids.length === 0) return 0;
      await database.batch(
        [knex('key_makers').whereIn('key_id', ids).delete(), keys().whereIn('id', ids).delete()],
        { idempotent: true },
      );
      return ids.length;
    },
  };
}

/**
 * Returns the statements that delete all keys that derive from a maker, for the batch that revokes
 * the maker.
 */
export function revokeMadeBy(knex: Knex, maker: KeyMaker): Query<unknown>[] {
  const made = 'select key_id from key_makers where maker = ?';
  const name = makerName(maker);
  return [
    knex.raw(`delete from api_keys where id in (${made})`, [name]),
    knex.raw(`delete from key_makers where key_id in (${made})`, [name]),
  ];
}

function makerName(maker: KeyMaker): string {
  return `${maker.kind}:${maker.id}`;
}

function makerHolds(maker: KeyMaker | null, now: number) {
  switch (maker?.kind) {
    case undefined:
      return { sql: 'true', bindings: [] };
    case 'key':
      return {
        sql: 'exists (select 1 from api_keys where id = ? and coalesce(expires_at, ?) >= ?)',
        bindings: [maker.id, now, now],
      };
    case 'session':
      return {
        sql: 'not exists (select 1 from revoked_families where family = ?)',
        bindings: [maker.id],
      };
  }
}

function toKey(row: KeyRow): StoredKey {
  return {
    id: row.id,
    name: row.name,
    namespace: row.namespace,
    scopes: JSON.parse(row.scopes) as GrantedScope[],
    functions: row.functions === null ? null : (JSON.parse(row.functions) as string[]),
    expires_at: row.expires_at === null ? null : rfc3339(row.expires_at),
    created_by: row.created_by,
    created_at: rfc3339(row.created_at),
    last_used_at: row.last_used_at === null ? null : rfc3339(row.last_used_at),
    isAdmin: row.is_admin === 1,
    expiresAt: row.expires_at,
  };
}
