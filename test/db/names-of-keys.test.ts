import { join } from 'node:path';
import test from 'ava';
import { openSqlite } from '../../db/drivers/sqlite.js';
import { MIGRATIONS } from '../../db/migrations/all.js';
import { migrate } from '../../db/migrations/migrate.js';
import { createStore } from '../../db/store/store.js';
import { aNamespace } from '../helpers/attempt.js';
import { tempDir } from '../helpers/temp-dir.js';

const directory = tempDir();

test('what keys did before their names were stored is named by the keys that are left', async (t) => {
  const database = await openSqlite({ file: join(directory, 'names.sqlite') });
  t.teardown(() => database.close());
  const first = MIGRATIONS.findIndex(({ name }) => name.startsWith('065-'));
  await migrate(database, MIGRATIONS.slice(0, first));
  const namespace = aNamespace();
  const { knex, batch } = database;
  await batch([
    knex('api_keys').insert({ id: 'k1', namespace, name: 'ci', hash: 'h', is_admin: 0, created_at: 1 }),
    ...[
      ['key:k1', 'key.create', 'k1'],
      ['key:gone', 'secret.set', 'k1'],
      ['0xabc', 'key.revoke', 'gone'],
    ].map(([actor, action, target], at) =>
      knex('audit_events').insert({ namespace, id: `e${at}`, at, actor, action, target, request_id: 'r' }),
    ),
    ...['key:k1', '0xabc'].map((by, at) =>
      knex.raw(
        `insert into function_versions (namespace, name, version, id, wasm_cid, memory_limit_mb, timeout_seconds,
          is_public, retry_count, retry_delay_seconds, warm_start, created_at, updated_at, created_by, metadata)
         values (?, 'f', ?, 'id', 'cid', 64, 30, 0, 0, 5, 'fresh', 1, 1, ?, '{}')`,
        [namespace, at + 1, by],
      ),
    ),
  ]);
  await migrate(database);
  const { audit } = createStore(database);
  const { items } = await audit.list({ namespace, limit: 10 });
  t.deepEqual(
    items.map(({ actor_name, target_name }) => [actor_name, target_name]),
    [
      [undefined, undefined],
      [undefined, undefined],
      ['ci', 'ci'],
    ],
  );
  const versions = await database.run<(string | null)[]>(
    knex('function_versions').orderBy('version').pluck('created_by_name'),
  );
  t.deepEqual(versions, ['ci', null]);
});
