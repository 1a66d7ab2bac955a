import test from 'ava';
import fc from 'fast-check';
import knex, { type Knex } from 'knex';
import { batch } from '../../db/drivers/rqlite/batch.js';
import { RqliteClient, type RqliteClientConfig } from '../../db/drivers/rqlite/client.js';
import { decodeResult, parseResponse } from '../../db/drivers/rqlite/decode.js';
import { encodeStatements } from '../../db/drivers/rqlite/encode.js';
import { onRqlite } from '../helpers/on-rqlite.js';
import { startRqlite } from '../helpers/rqlited.js';
import { shared } from '../helpers/shared.js';

const connect = (urls: readonly string[]): Knex => {
  const config: RqliteClientConfig = { client: RqliteClient, rqlite: { urls } };
  return knex(config);
};

test('a text that looks like a blob literal is sent as bytes and cast back to text', (t) => {
  const encode = (sql: string, bindings: unknown[]) =>
    JSON.parse(encodeStatements([{ sql, bindings }])) as unknown;
  const bytes = [...Buffer.from("x'41'")];
  t.deepEqual(encode('select \'?\', "?", [?], `?`, /* ? */ ?, ? -- ?', ['a', "x'41'"]), [
    ['select \'?\', "?", [?], `?`, /* ? */ ?, CAST(? AS TEXT) -- ?', 'a', bytes],
  ]);
  t.deepEqual(encode('select ?2, ?1, ?', ['a', "X''", 'c']), [
    ['select CAST(?2 AS TEXT), ?1, ?', 'a', [...Buffer.from("X''")], 'c'],
  ]);
  t.deepEqual(encode('select ?', ["x'4"]), [['select ?', "x'4"]]);
});

test('a statement or response with many unclosed quotes is read in linear time', (t) => {
  for (const quote of ['[', '"', "'", '`']) {
    const sql = `select ?, ${'['.repeat(200_000)}${quote}`;
    const started = performance.now();
    const [statement] = JSON.parse(encodeStatements([{ sql, bindings: ["x'41'"] }]));
    t.is(statement[0], sql.replace('?', 'CAST(? AS TEXT)'));
    t.throws(() => parseResponse(`1234567890123456${'"\\'.repeat(200_000)}`));
    t.true(performance.now() - started < 5000);
  }
});

test('large integers in a response are exact, and digits in texts and fractions are unchanged', (t) => {
  const text =
    '{"results":[{"columns":["a","b","c","d"],"values":[[9007199254740993,-12345678901234567,"1234567890123456789, \\"9007199254740993\\"",0.0000010000000000000002]]}]}';
  const [result] = parseResponse(text).results ?? [];
  t.deepEqual(decodeResult(result ?? {}).rows, [
    {
      a: 9007199254740993n,
      b: -12345678901234567n,
      c: '1234567890123456789, "9007199254740993"',
      d: 0.0000010000000000000002,
    },
  ]);
});

test('an interactive transaction is rejected with a message that names batch', async (t) => {
  const client = connect(['http://127.0.0.1:1']);
  t.throws(() => client.transaction(async () => undefined), { message: /use batch/ });
  t.deepEqual(await batch(client, []), []);
  await client.destroy();
});

onRqlite('queries are sent through the dialect of knex', (binary) => {
  const get = shared(async () => {
    const cluster = await startRqlite(binary);
    const client = connect(cluster.urls);
    await client.raw('create table v (id integer primary key, t text, i integer, r real, b blob)');
    const close = async () => {
      await client.destroy();
      await cluster.close();
    };
    return { client, close };
  });

  test('random texts, integers, floats and bytes are read back unchanged', async (t) => {
    const { client } = await get();
    const values = fc.record({
      t: fc.oneof(
        fc.string({ unit: 'grapheme' }),
        fc.string({ unit: 'binary' }),
        fc.constantFrom("x'41'", " X'4142' ", "x''", '12345678901234567890', '\u0001big:1', 'null', ''),
      ),
      i: fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.integer().map(BigInt)),
      r: fc.double({ noNaN: true, noDefaultInfinity: true }),
      b: fc.uint8Array({ maxLength: 300 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(values, { minLength: 1, maxLength: 20 }), async (rows) => {
        const [, ...read] = await batch(client, [
          client('v').delete(),
          ...rows.map((row, id) =>
            client.raw('insert into v values (?, ?, ?, ?, ?)', [
              id,
              row.t,
              String(row.i),
              row.r,
              Buffer.from(row.b),
            ]),
          ),
          client('v').orderBy('id'),
        ]);
        const found = read.at(-1) as Record<string, unknown>[];
        for (const [at, row] of rows.entries()) {
          const { t: text, i, r, b } = found[at] ?? {};
          t.is(text, row.t);
          t.is(BigInt(i as bigint), row.i);
          t.true(r === row.r);
          t.deepEqual([...(b as Uint8Array)], [...row.b]);
        }
      }),
      { numRuns: 40 },
    );
  });

  test('a batch of writes, one of which does not compile, changes nothing', async (t) => {
    const { client } = await get();
    await client.raw('create table w (a integer)');
    const column = () => client.raw('alter table w add column a integer');
    await t.throwsAsync(
      batch(client, [client('w').insert({ a: 1 }), column(), client('w').insert({ a: 2 })]),
      {
        code: 'SQLITE_ERROR',
        message: /duplicate column/,
      },
    );
    t.deepEqual(await client('w'), []);
  });

  test('constraint and syntax errors have the error codes of SQLite', async (t) => {
    const { client } = await get();
    await client.raw('create table c (a integer primary key, u unique, n not null, k check (k > 0))');
    await client('c').insert({ a: 1, u: 1, n: 1, k: 1 });
    const fails = async (row: object, code: string) =>
      t.throwsAsync(async () => client('c').insert({ a: 2, u: 2, n: 2, k: 2, ...row }), { code }, code);
    await fails({ u: 1 }, 'SQLITE_CONSTRAINT_UNIQUE');
    await fails({ n: null }, 'SQLITE_CONSTRAINT_NOTNULL');
    await fails({ k: 0 }, 'SQLITE_CONSTRAINT_CHECK');
    const error = await t.throwsAsync(async () => client.raw('selec 1'), { code: 'SQLITE_ERROR' });
    t.regex(error?.message ?? '', /selec.*syntax error/s);
    const batched = batch(client, [client('c').select(), client('c').insert({ a: 1 })]);
    t.is((await t.throwsAsync<Error & { statement?: number }>(batched))?.statement, 1);
  });

  test('schema, insert, update, upsert, count and stream queries of Knex work', async (t) => {
    const { client } = await get();
    await client.schema.createTable('q', (table) => {
      table.increments('id');
      table.string('name').unique();
      table.integer('n').index();
    });
    t.true(await client.schema.hasTable('q'));
    t.deepEqual(
      await client('q')
        .insert([{ name: 'a' }, { name: 'b', n: 2 }])
        .returning('id'),
      [{ id: 1 }, { id: 2 }],
    );
    t.is(await client('q').update({ n: 5 }).where('id', '<', 3), 2);
    await client('q').insert({ id: 1, name: 'z' }).onConflict('id').merge();
    await client('q').insert({ id: 1, name: 'y' }).onConflict('id').ignore();
    t.deepEqual(await client('q').first('name', 'n').where({ id: 1 }), { name: 'z', n: 5 });
    t.deepEqual(await client('q').count({ count: '*' }), [{ count: 2 }]);
    const streamed: unknown[] = [];
    for await (const row of client('q').select('id').orderBy('id').stream()) streamed.push(row);
    t.deepEqual(streamed, [{ id: 1 }, { id: 2 }]);
    t.is(await client('q').delete(), 2);
    await client.schema.dropTable('q');
  });
});
