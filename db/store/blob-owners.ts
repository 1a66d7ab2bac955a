import type { Namespace } from '../../src/contract/ids.js';
import type { BlobOwnerStore } from '../../src/ports/store/blob-owners.js';
import { uuidv7 } from '../../src/uuid.js';
import type { Database } from '../database.js';
import { batchWithinQuota } from './quota-check.js';
import { STORAGE_BYTES } from './quotas.js';

interface OwnerRow {
  namespace: Namespace;
  cid: string;
  name: string;
  size: number;
  created_at: number;
}

/**
 * Longer than any deletion takes, in milliseconds: an older mark was left by a process that died.
 */
const MARK_MS = 60_000;

const MARK_UNREFERENCED = `
insert into blob_deletions (cid, token, started_at)
select ?, ?, ?
where not exists (select 1 from blob_owners where cid = ?)
  and not exists (select 1 from function_versions where wasm_cid = ?)
on conflict (cid) do update set token = excluded.token, started_at = excluded.started_at
where blob_deletions.started_at <= ?`;

const STORAGE_CHECK = `
select iif(bytes > ? - ? and not exists (select 1 from blob_owners where namespace = ? and cid = ?), 'storage_mb', null) as over,
  bytes / 1048576.0 as used, ? / 1048576.0 as quota
from (select ${STORAGE_BYTES} as bytes)`;

/** Creates the repository of blob owners. */
export function createBlobOwnerStore(database: Database): BlobOwnerStore {
  const { knex } = database;
  const owners = () => knex<OwnerRow>('blob_owners');
  const deletions = () => knex<{ cid: string; token: string; started_at: number }>('blob_deletions');

  return {
    async add(namespace, { cid, name, size }, limitBytes) {
      const insert = owners()
        .insert({ namespace, cid, name, size, created_at: Date.now() })
        .onConflict(['namespace', 'cid']);
      const add = name === '' ? insert.ignore() : insert.merge(['name']);
      const bindings = [limitBytes, size, namespace, cid, limitBytes, namespace, namespace];
      const check = { namespace, sql: STORAGE_CHECK, bindings };
      await batchWithinQuota(database, check, [add], { idempotent: true });
    },

    async get(namespace, cid) {
      const [row] = await database.run<OwnerRow[]>(owners().where({ namespace, cid }));
      if (row === undefined) return null;
      return { cid: row.cid, name: row.name, size: row.size, createdAt: row.created_at };
    },

    async rename(namespace, cid, name) {
      await database.run(owners().where({ namespace, cid }).update({ name }));
    },

    async remove(namespace, cid) {
      return (await database.run(owners().where({ namespace, cid }).delete())) === 1;
    },

    async markForDeletion(cid) {
      const token = uuidv7();
      const now = Date.now();
      const [, rows] = await database.batch(
        [
          knex.raw(MARK_UNREFERENCED, [cid, token, now, cid, cid, now - MARK_MS]),
          knex.raw('select token from blob_deletions where cid = ? and token = ?', [cid, token]),
        ],
        { idempotent: true },
      );
      return (rows as unknown[]).length === 1 ? token : null;
    },

    async isPendingDeletion(cid) {
      const since = Date.now() - MARK_MS;
      return (await database.run(deletions().where({ cid }).andWhere('started_at', '>', since))).length > 0;
    },

    async unmark(cid, token) {
      await database.run(deletions().where({ cid, token }).delete());
    },
  };
}
