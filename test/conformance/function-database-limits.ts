import test from 'ava';
import { ENDLESS_QUERY } from '../helpers/endless-query.js';
import { aTable, type GetDatabases, limits } from './function-database-table.js';

/** Tests about concurrent statements, and about the limits of time and size. */
export function testDatabaseLimits(driver: string, get: GetDatabases): void {
  test(`${driver}: a result over 8 MB is rejected and not truncated`, async (t) => {
    const { query } = await aTable(get);
    const rows = (n: number) =>
      `with recursive n(i) as (select 1 union all select i + 1 from n where i < ${n})
       select i, hex(zeroblob(524288)) as x from n`;
    t.is((await query(rows(7))).length, 7);
    await t.throwsAsync(query(rows(9)), { code: 'invalid_sql', message: /8 MB/ });
  });

  test(`${driver}: a result of exactly 8 MB is returned, and one of a byte more is rejected`, async (t) => {
    const { query } = await aTable(get);
    const overhead = '[{"x":""},{"x":""}]'.length;
    const rows = (bytes: number) =>
      `select hex(zeroblob(1048576)) as x
       union all select substr(hex(zeroblob(4194304)), 1, ${bytes - overhead - 2 * 1048576}) as x`;
    t.is(JSON.stringify(await query(rows(8 * 1048576))).length, 8 * 1048576);
    await t.throwsAsync(query(rows(8 * 1048576 + 1)), { code: 'invalid_sql', message: /8 MB/ });
  });

  test(`${driver}: 40 concurrent increments of a column are all applied`, async (t) => {
    const { table, query, execute } = await aTable(get, 'a integer');
    await execute(`insert into ${table} values (1, 0)`);
    await Promise.all(Array.from({ length: 40 }, () => execute(`update ${table} set a = a + 1`)));
    t.deepEqual(await query(`select a from ${table}`), [{ a: 40 }]);
  });

  test(`${driver}: an endless statement is stopped at its timeout`, async (t) => {
    const { databases, namespace, table, query } = await aTable(get);
    await t.throwsAsync(databases.query(namespace, ENDLESS_QUERY, [], { timeoutMs: 1_000 }), {
      code: 'unavailable',
      message: /1000 ms/,
    });
    t.deepEqual(await query(`select * from ${table}`), []);
  });

  test(`${driver}: other statements complete while an endless statement runs`, async (t) => {
    const { databases, namespace, other, table, query } = await aTable(get);
    const end = new AbortController();
    let ended = false;
    const endless = databases
      .query(namespace, ENDLESS_QUERY, [], { timeoutMs: 120_000, signal: end.signal })
      .finally(() => {
        ended = true;
      });
    const stopped = t.throwsAsync(endless, { code: 'unavailable' });
    t.deepEqual(await query(`select * from ${table}`), []);
    t.deepEqual(await databases.query(other, 'select 1 as one', [], limits), [{ one: 1 }]);
    t.false(ended, 'the endless statement ended before the others completed');
    end.abort();
    await stopped;
  });

  test(`${driver}: a statement is stopped when its invocation ends`, async (t) => {
    const { databases, namespace } = await aTable(get);
    const ended = new AbortController();
    const endless = databases.query(namespace, ENDLESS_QUERY, [], {
      timeoutMs: 20_000,
      signal: ended.signal,
    });
    setTimeout(() => ended.abort(), 200);
    await t.throwsAsync(endless, { code: 'unavailable' });
    await t.throwsAsync(
      databases.query(namespace, 'select 1', [], { timeoutMs: 20_000, signal: ended.signal }),
      { code: 'unavailable' },
    );
  });
}
