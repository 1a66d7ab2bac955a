import test from 'ava';
import type { Namespace } from '../../src/contract/ids.js';
import type { FunctionDatabases } from '../../src/ports/function-databases.js';
import { uuidv7 } from '../../src/uuid.js';
import { shared } from '../helpers/shared.js';

export interface OpenedFunctionDatabases {
  databases: FunctionDatabases;
  /** Two that have databases of their own. */
  namespaces: readonly [Namespace, Namespace];
  close(): Promise<void>;
}

const limits = { timeoutMs: 30_000 };
const ENDLESS = 'with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n';

/** What every driver of the functions' databases must do. Each test has tables of its own. */
export function testFunctionDatabases(driver: string, open: () => Promise<OpenedFunctionDatabases>): void {
  const get = shared(open);

  /** A handle on the first namespace, and the name of a new table. */
  async function setUp(columns = 'a') {
    const { databases, namespaces } = await get();
    const [namespace, other] = namespaces;
    const table = `t_${uuidv7().replaceAll('-', '')}`;
    const query = (sql: string, args: unknown[] = []) => databases.query(namespace, sql, args, limits);
    const execute = (sql: string, args: unknown[] = []) => databases.execute(namespace, sql, args, limits);
    await execute(`create table ${table} (id integer primary key, ${columns})`);
    return { databases, namespace, other, table, query, execute };
  }

  test(`${driver}: rows are written, counted and read back`, async (t) => {
    const { table, query, execute } = await setUp('a text');
    const insert = await execute(`insert into ${table} (id, a) values (7, ?), (8, ?)`, ['é', "x'41'"]);
    t.deepEqual(insert, { rowsAffected: 2, lastInsertId: 8 });
    t.deepEqual(await query(`select * from ${table} order by id`), [
      { id: 7, a: 'é' },
      { id: 8, a: "x'41'" },
    ]);
    t.is((await execute(`update ${table} set a = ? where id > ?`, ['z', 7])).rowsAffected, 1);
    t.is((await execute(`delete from ${table}`)).rowsAffected, 2);
    t.deepEqual(await execute(`drop table ${table}`), { rowsAffected: 0, lastInsertId: null });
  });

  test(`${driver}: values keep their kind`, async (t) => {
    // Declared as a blob: RQLite tells bytes from text by the column alone.
    const { table, query, execute } = await setUp('b blob');
    await execute(`insert into ${table} (b) values (?)`, [{ $blob: 'AP8=' }]);
    const [row] = await query(
      `select ? as i, typeof(?) as ti, ? as f, ? as n, ? as s, ? as t, hex(?) as h, b,
         9007199254740993 as big, -9007199254740991 as safe from ${table}`,
      [1, 1, 1.5, null, '9007199254740993', true, { $blob: 'AP8=' }],
    );
    t.deepEqual(row, {
      i: 1,
      ti: 'integer',
      f: 1.5,
      n: null,
      s: '9007199254740993',
      t: 1,
      h: '00FF',
      b: { $blob: 'AP8=' },
      big: '9007199254740993',
      safe: -9007199254740991,
    });
  });

  test(`${driver}: what no database can hold is refused by its place`, async (t) => {
    const { query } = await setUp();
    for (const bad of [{}, [1], { $blob: 'no base64!' }, Number.NaN, 'a\0b']) {
      await t.throwsAsync(query('select ?, ?', [1, bad]), { code: 'invalid_sql', message: /Argument 2/ });
    }
  });

  test(`${driver}: namespaces do not see each other's tables`, async (t) => {
    const { databases, other, table } = await setUp();
    await t.throwsAsync(databases.query(other, `select * from ${table}`, [], limits), {
      code: 'invalid_sql',
      message: /no such table/,
    });
    await databases.execute(other, `create table ${table} (b)`, [], limits);
    t.deepEqual(await databases.query(other, `select * from ${table}`, [], limits), []);
  });

  test(`${driver}: a query never writes`, async (t) => {
    const { table, query } = await setUp();
    for (const sql of [
      `insert into ${table} values (1, 1) returning id`,
      `with x as (select 1) insert into ${table} select 1, 1`,
      `delete from ${table}`,
      `create table ${table}_x (a)`,
      `select 1; delete from ${table}`,
    ]) {
      await t.throwsAsync(query(sql), { code: 'invalid_sql' }, sql);
    }
    t.deepEqual(await query(`select * from ${table}`), []);
  });

  test(`${driver}: statements that reach beyond the database are refused`, async (t) => {
    const { query, execute } = await setUp();
    for (const sql of [
      "attach 'x.sqlite' as x",
      'detach x',
      'pragma table_list',
      "vacuum into 'x.sqlite'",
      "select load_extension('x')",
      "select readfile('/etc/passwd')",
      'select * from pragma_database_list',
    ]) {
      await t.throwsAsync(execute(sql), { code: 'invalid_sql' }, sql);
      await t.throwsAsync(query(sql), { code: 'invalid_sql' }, sql);
    }
  });

  test(`${driver}: the database's own sentence is passed on`, async (t) => {
    const { table, query, execute } = await setUp('a unique');
    await execute(`insert into ${table} values (1, 1)`);
    await t.throwsAsync(execute(`insert into ${table} values (2, 1)`), {
      code: 'invalid_sql',
      message: /UNIQUE constraint failed/,
    });
    await t.throwsAsync(query('select nope'), { code: 'invalid_sql', message: /no such column: nope/ });
    await t.throwsAsync(query('select from'), { code: 'invalid_sql', message: /syntax error/ });
  });

  test(`${driver}: a statement may return what it wrote and still counts it`, async (t) => {
    const { table, execute } = await setUp();
    const { rowsAffected } = await execute(`insert into ${table} (a) values (1), (2) returning id`);
    t.is(rowsAffected, 2);
    t.is((await execute(`update ${table} set a = 3 returning a`)).rowsAffected, 2);
  });

  test(`${driver}: a transaction is all or nothing, and answers each operation`, async (t) => {
    const { databases, namespace, table, query } = await setUp('a unique');
    const insert = (id: number, a: number) =>
      ({ kind: 'exec', sql: `insert into ${table} values (?, ?)`, args: [id, a] }) as const;
    const read = { kind: 'query', sql: `select id from ${table} where a > ?`, args: [0] } as const;
    const results = await databases.transaction(namespace, [insert(5, 1), read, insert(6, 2)], limits);
    t.deepEqual(results, [
      { rowsAffected: 1, lastInsertId: 5 },
      [{ id: 5 }],
      { rowsAffected: 1, lastInsertId: 6 },
    ]);
    await t.throwsAsync(databases.transaction(namespace, [insert(7, 3), insert(8, 3)], limits), {
      code: 'invalid_sql',
      message: /Operation 2: .*UNIQUE/,
    });
    t.is((await query(`select * from ${table}`)).length, 2);
    t.deepEqual(await databases.transaction(namespace, [], limits), []);
    await t.throwsAsync(
      databases.transaction(namespace, [insert(9, 9), { ...read, sql: 'pragma x' }], limits),
    );
    t.is((await query(`select * from ${table}`)).length, 2);
  });

  test(`${driver}: a trigger with a body of several statements works`, async (t) => {
    const { table, query, execute } = await setUp('a');
    await execute(
      `create trigger ${table}_x after insert on ${table} begin
         update ${table} set a = case when new.a = 1 then 10 else 20 end where id = new.id;
         delete from ${table} where id <> new.id;
       end`,
    );
    await execute(`insert into ${table} (a) values (1)`);
    await execute(`insert into ${table} (a) values (2)`);
    t.deepEqual(
      (await query(`select a from ${table}`)).map((row) => row.a),
      [20],
    );
  });

  test(`${driver}: a result over 8 MB is refused, not cut`, async (t) => {
    const { query } = await setUp();
    const rows = (n: number) =>
      `with recursive n(i) as (select 1 union all select i + 1 from n where i < ${n})
       select i, hex(zeroblob(524288)) as x from n`;
    t.is((await query(rows(7))).length, 7);
    await t.throwsAsync(query(rows(9)), { code: 'invalid_sql', message: /8 MB/ });
  });

  test(`${driver}: counting at once from many sides loses nothing`, async (t) => {
    const { table, query, execute } = await setUp('a integer');
    await execute(`insert into ${table} values (1, 0)`);
    await Promise.all(Array.from({ length: 40 }, () => execute(`update ${table} set a = a + 1`)));
    t.deepEqual(await query(`select a from ${table}`), [{ a: 40 }]);
  });

  test(`${driver}: an endless statement is stopped at its deadline`, async (t) => {
    const { databases, namespace, table, query } = await setUp();
    await t.throwsAsync(databases.query(namespace, ENDLESS, [], { timeoutMs: 1_000 }), {
      code: 'unavailable',
      message: /1000 ms/,
    });
    t.deepEqual(await query(`select * from ${table}`), []);
  });

  test(`${driver}: an endless statement does not hold up others`, async (t) => {
    const { databases, namespace, other, table, query } = await setUp();
    const end = new AbortController();
    let ended = false;
    const endless = databases
      .query(namespace, ENDLESS, [], { timeoutMs: 120_000, signal: end.signal })
      .finally(() => {
        ended = true;
      });
    const stopped = t.throwsAsync(endless, { code: 'unavailable' });
    t.deepEqual(await query(`select * from ${table}`), []);
    t.deepEqual(await databases.query(other, 'select 1 as one', [], limits), [{ one: 1 }]);
    t.false(ended, 'it runs while the others are answered');
    end.abort();
    await stopped;
  });

  test(`${driver}: a statement is stopped when its invocation ends`, async (t) => {
    const { databases, namespace } = await setUp();
    const ended = new AbortController();
    const endless = databases.query(namespace, ENDLESS, [], { timeoutMs: 20_000, signal: ended.signal });
    setTimeout(() => ended.abort(), 200);
    await t.throwsAsync(endless, { code: 'unavailable' });
    await t.throwsAsync(
      databases.query(namespace, 'select 1', [], { timeoutMs: 20_000, signal: ended.signal }),
      { code: 'unavailable' },
    );
  });

  test(`${driver}: pings, and closing twice does no harm`, async (t) => {
    const { databases, namespaces, close } = await open();
    await databases.ping();
    await databases.close();
    await databases.close();
    await t.throwsAsync(databases.query(namespaces[0], 'select 1', [], limits), { code: 'unavailable' });
    await close();
  });
}
