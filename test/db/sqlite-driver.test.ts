import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import Database from 'libsql';
import { openSqlite } from '../../db/drivers/sqlite.js';
import { MIGRATIONS } from '../../db/migrations/all.js';
import { migrate } from '../../db/migrations/migrate.js';
import { migrateStore, openStore } from '../../db/open.js';
import { tempDir } from '../helpers/temp-dir.js';

const directory = tempDir();

test('concurrent migrations apply each migration once', async (t) => {
  const file = join(directory, 'race.sqlite');
  const databases = await Promise.all(Array.from({ length: 4 }, () => openSqlite({ file })));
  const applied = await Promise.all(databases.map((database) => migrate(database)));
  t.deepEqual(applied.flat().sort(), MIGRATIONS.map(({ name }) => name).sort());
  for (const database of databases) t.deepEqual(await migrate(database), []);
  await Promise.all(databases.map((database) => database.close()));
});

test('opening a new file waits for a write transaction of another process', async (t) => {
  const file = join(directory, 'new.sqlite');
  const other = new Database(file);
  other.exec('begin immediate; create table t (id integer)');
  const opening = openSqlite({ file });
  await setTimeout(300);
  other.exec('commit');
  other.close();
  const database = await opening;
  t.deepEqual(await database.run(database.knex('t').select('id')), []);
  await database.close();
});

test('a failed migration is rolled back and can be applied again', async (t) => {
  const database = await openSqlite({ file: join(directory, 'failed.sqlite') });
  t.teardown(() => database.close());
  const broken = { name: '001-broken', statements: ['create table a (a)', 'create table b ('] };
  await t.throwsAsync(migrate(database, [broken]), {
    code: 'internal',
    message: /^The migration 001-broken of the store failed: \S/,
  });
  const mended = { name: '001-broken', statements: ['create table a (a)', 'create table b (b)'] };
  t.deepEqual(await migrate(database, [mended]), ['001-broken']);
});

test('a store with the last migration before the first release does not need the first one of it, and an older one is refused', async (t) => {
  const database = await openSqlite({ file: join(directory, 'before.sqlite') });
  t.teardown(() => database.close());
  await migrate(database, []);
  const record = (name: string) =>
    database.run(database.knex('schema_migrations').insert({ name, applied_at: 1 }));
  await record('001-functions');
  await t.throwsAsync(migrate(database), { code: 'bad_config', message: /before the first release/ });
  await record('072-attempts-dead-positions');
  t.deepEqual(await migrate(database, MIGRATIONS.slice(0, 1)), []);
});

test('migrateStore returns the applied migrations, and none when it is repeated', async (t) => {
  const file = join(directory, 'release.sqlite');
  t.is((await migrateStore({ driver: 'sqlite', file })).length, MIGRATIONS.length);
  t.deepEqual(await migrateStore({ driver: 'sqlite', file }), []);
});

test('a file in a missing directory and a file that is not a database give different errors', async (t) => {
  const absent = openStore({ driver: 'sqlite', file: join(directory, 'absent', 'store.sqlite') });
  await t.throwsAsync(absent, { name: 'AppError', code: 'unavailable', message: /directory exists/ });
  const file = join(directory, 'text.sqlite');
  writeFileSync(
    file,
    'this is a text that is long enough to be read as the header of a database file'.repeat(99),
  );
  await t.throwsAsync(openStore({ driver: 'sqlite', file }), {
    name: 'AppError',
    code: 'unavailable',
    message: /no SQLite database/,
  });
});

test('a write to a full database fails and is rolled back, and succeeds after there is space', async (t) => {
  const database = await openSqlite({ file: join(directory, 'full.sqlite') });
  t.teardown(() => database.close());
  const { knex } = database;
  await database.run(knex.raw('create table t (id integer primary key, x blob)'));
  await database.run(knex('t').insert({ id: 1, x: Buffer.alloc(10) }));
  await database.run(knex.raw('pragma max_page_count = 20'));
  const big = Buffer.alloc(1 << 20);
  const insert = () => database.batch([knex('t').insert({ id: 2 }), knex('t').insert({ id: 3, x: big })]);
  await t.throwsAsync(insert(), { name: 'AppError', code: 'unavailable', message: /disk .* is full/ });
  t.deepEqual(await database.run<number[]>(knex('t').pluck('id')), [1]);
  await database.run(knex.raw('pragma max_page_count = 10000'));
  await insert();
  t.deepEqual(await database.run<number[]>(knex('t').pluck('id')), [1, 2, 3]);
});

test('a failed batch is rolled back, and later statements of a batch see the earlier ones', async (t) => {
  const database = await openSqlite({ file: join(directory, 'batch.sqlite') });
  t.teardown(() => database.close());
  const { knex } = database;
  await database.run(knex.raw('create table t (id integer primary key, x)'));
  const results = await database.batch([
    knex('t').insert({ id: 7, x: 1n }),
    knex('t').where({ id: 7 }).update({ x: 2 }),
    knex('t').where({ id: 7 }).first(),
    knex('t').pluck('x'),
    knex.raw('delete from t returning id'),
  ]);
  t.deepEqual(results, [[7], 1, { id: 7, x: 2 }, [2], [{ id: 7 }]]);
  await t.throwsAsync(database.batch([knex('t').insert({ id: 1 }), knex('t').insert({ id: 1 })]));
  t.deepEqual(await database.run<unknown[]>(knex('t').select()), []);
  t.deepEqual(await database.batch([]), []);
});

test('integers, floats, bigints, bytes, null and text keep their types, and a symbol is rejected', async (t) => {
  const database = await openSqlite({ file: join(directory, 'values.sqlite') });
  t.teardown(() => database.close());
  const { knex } = database;
  const [row] = await database.run<Record<string, unknown>[]>(
    knex.raw<Record<string, unknown>[]>(
      'select ? as i, typeof(?) as t, ? as f, ? as big, ? as b, ? as n, ? as s',
      [
        1,
        1,
        1.5,
        // knex's types do not support bigint.
        (2n ** 63n - 1n) as unknown as number,
        Buffer.from([0, 255]),
        null as unknown as string,
        "x'41'",
      ],
    ),
  );
  t.deepEqual(row, {
    i: 1,
    t: 'integer',
    f: 1.5,
    big: 2n ** 63n - 1n,
    b: Uint8Array.from([0, 255]),
    n: null,
    s: "x'41'",
  });
  t.throws(() => knex.transaction(async () => undefined), { message: /batch/ });
  await t.throwsAsync(database.run(knex.raw('select ?', [Symbol('x') as unknown as string])), {
    name: 'AppError',
  });
});

test('a long statement does not block the main thread', async (t) => {
  const database = await openSqlite({ file: join(directory, 'long.sqlite') });
  t.teardown(() => database.close());
  const { knex } = database;
  let ticks = 0;
  const timer = setInterval(() => {
    ticks += 1;
  }, 5);
  await database.run(
    knex.raw(
      'with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000000) select max(i) from n',
    ),
  );
  clearInterval(timer);
  t.true(ticks >= 3, `the main thread's timer ran ${ticks} times`);
});

test('a completed or failed query holds no snapshot of the database', async (t) => {
  const file = join(directory, 'snapshot.sqlite');
  const [reader, writer] = [await openSqlite({ file }), await openSqlite({ file })];
  t.teardown(() => Promise.all([reader.close(), writer.close()]).then(() => undefined));
  await writer.run(writer.knex.raw('create table t (a)'));
  await writer.run(writer.knex('t').insert([{ a: 1 }, { a: 2 }]));
  await reader.run(reader.knex('t').first());
  await reader.batch([reader.knex('t').select(), reader.knex('t').first()]);
  await t.throwsAsync(reader.run(reader.knex('absent').select()));
  await writer.run(writer.knex('t').insert({ a: 3 }));
  const [checkpoint] = await writer.run<{ busy: number }[]>(
    writer.knex.raw('pragma wal_checkpoint(truncate)'),
  );
  t.is(checkpoint?.busy, 0);
});
