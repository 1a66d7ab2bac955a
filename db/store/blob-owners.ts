import type { Namespace } from '../../src/contract/ids.js';
import type { BlobOwnerStore } from '../../src/ports/store.js';
import type { Database } from '../database.js';

interface OwnerRow {
  namespace: Namespace;
  cid: string;
  name: string;
  size: number;
  created_at: number;
}

export function createBlobOwnerStore(database: Database): BlobOwnerStore {
  const { knex } = database;
  const owners = () => knex<OwnerRow>('blob_owners');

  return {
    async add(namespace, { cid, name, size }) {
      await database.run(
        owners()
          .insert({ namespace, cid, name, size, created_at: Date.now() })
          .onConflict(['namespace', 'cid'])
          .ignore(),
      );
    },

    async get(namespace, cid) {
      const [row] = await database.run<OwnerRow[]>(owners().where({ namespace, cid }));
      if (row === undefined) return null;
      return { cid: row.cid, name: row.name, size: row.size, createdAt: row.created_at };
    },

    async remove(namespace, cid) {
      return (await database.run(owners().where({ namespace, cid }).delete())) === 1;
    },

    async isReferenced(cid) {
      const [row] = await database.run<{ referenced: number }[]>(
        knex.raw(
          `select exists (select 1 from blob_owners where cid = ?)
               or exists (select 1 from function_versions where wasm_cid = ?) as referenced`,
          [cid, cid],
        ),
      );
      return row?.referenced === 1;
    },
  };
}
