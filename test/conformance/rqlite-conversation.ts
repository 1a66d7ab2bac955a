import type { ExecutionContext } from 'ava';
import type { Knex } from 'knex';
import { batch } from '../../db/drivers/rqlite/batch.js';

const code = (expected: string) => ({ name: 'RqliteError', code: expected }) as const;

/**
 * Runs a fixed series of queries of the dialect, which can be recorded against a real server and
 * replayed without one.
 */
export async function converse(t: ExecutionContext, knex: Knex): Promise<void> {
  await knex.raw(
    'create table if not exists t (id integer primary key, name text unique, bytes blob, big integer)',
  );
  t.deepEqual(
    await knex('t').insert({ id: 1, name: 'one', bytes: Buffer.from([0, 65, 255]), big: 2 ** 53 }),
    [1],
  );
  t.deepEqual(await knex('t').insert({ name: "x'41'" }).returning(['id', 'name']), [
    { id: 2, name: "x'41'" },
  ]);
  await knex.raw('update t set big = 9223372036854775807 where id = 2');

  const rows: Record<string, unknown>[] = await knex('t').orderBy('id');
  t.deepEqual(rows, [
    { id: 1, name: 'one', bytes: Uint8Array.from([0, 65, 255]), big: 9007199254740992n },
    { id: 2, name: "x'41'", bytes: null, big: 9223372036854775807n },
  ]);
  t.deepEqual(await knex('t').where({ name: "x'41'" }).pluck('id'), [2]);
  t.deepEqual(await knex('t').where({ id: 1 }).first('name'), { name: 'one' });

  await t.throwsAsync(async () => knex('t').insert({ name: 'one' }), code('SQLITE_CONSTRAINT_UNIQUE'));
  await t.throwsAsync(async () => knex('absent'), code('SQLITE_ERROR'));

  const results = await batch(knex, [
    knex('t').insert({ id: 7, name: 'seven' }),
    knex('t').where({ id: 7 }).update({ name: 'VII' }),
    knex('t').where({ id: 7 }).first('name'),
    knex('t').where({ id: 7 }).delete(),
  ]);
  t.deepEqual(results, [[7], 1, { name: 'VII' }, 1]);
  await t.throwsAsync(batch(knex, [knex('t').insert({ id: 8 }), knex('t').insert({ id: 1 })]), {
    ...code('SQLITE_CONSTRAINT_UNIQUE'),
    message: /t\.id/,
  });
  t.is(await knex('t').where({ id: 8 }).first(), undefined, 'the failed batch is rolled back');
}
