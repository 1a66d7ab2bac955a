import test from 'ava';
import { aTable, type GetDatabases, limits } from './function-database-table.js';

/** Tests about the statements that functions may execute, and their results. */
export function testDatabaseStatements(driver: string, get: GetDatabases): void {
  test(`${driver}: rows are inserted, updated, deleted and read, and affected rows are counted`, async (t) => {
    const { table, query, execute } = await aTable(get, 'a text');
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

  test(`${driver}: select supports columns, joins, conditions, groups and limits, and bytes returns the size`, async (t) => {
    const { databases, namespaces } = await get();
    const [namespace] = namespaces;
    const { table, execute } = await aTable(get, 'a text, "group" integer');
    await execute(`insert into ${table} (a, "group") values ('x', 1), ('y', 1), (null, 2)`);
    const all = { columns: [], joins: [], where: [], groupBy: [], orderBy: ['id'] };
    const select = (parts: object) => databases.select(namespace, { table, ...all, ...parts }, limits);
    t.deepEqual(await select({ where: [{ conj: 'AND', column: 'a', value: null }] }), [
      { id: 3, a: null, group: 2 },
    ]);
    t.deepEqual(
      await select({
        alias: 's',
        columns: ['s."group" AS g', 'count(*) AS n'],
        joins: [{ kind: 'INNER', table, on: `${table}.id = s.id` }],
        where: [
          { conj: 'AND', expr: 's.a = ?', args: ['x'] },
          { conj: 'OR', expr: 's.a = ?', args: ['y'] },
        ],
        groupBy: ['s.group'],
        orderBy: ['n DESC'],
        limit: 1,
      }),
      [{ g: 1, n: 2 }],
    );
    t.deepEqual(await select({ columns: ['id'], limit: 1, offset: 1 }), [{ id: 2 }]);
    t.deepEqual(await select({ columns: ['id'], offset: 2 }), [{ id: 3 }]);
    await t.throwsAsync(select({ where: [{ conj: 'AND', column: 'none', value: 'none' }] }), {
      code: 'invalid_sql',
      message: /no such column: none/,
    });
    await t.throwsAsync(select({ table: `${table}\` --` }), { code: 'invalid_sql' });
    t.true((await databases.bytes(namespace)) >= 8192);
  });

  test(`${driver}: common statements of the SQLite documentation are accepted`, async (t) => {
    const { table, query, execute } = await aTable(get, 'a, b');
    for (const sql of [
      `create table ${table}_2 (id integer primary key autoincrement, key varchar(10) unique, "a b" decimal (10, 2) default 1.5,
         c text collate nocase check (length(c) < 100), d as (upper(c)) stored,
         e int references ${table}(id) on delete cascade, unique (key, c), foreign key (e) references ${table} (id))`,
      `create table if not exists main.${table}_3 (k text primary key, v any) without rowid, strict`,
      `create unique index if not exists ${table}_i on ${table}_2 (lower(key), c desc) where key is not null`,
      `create view ${table}_v (x, y) as select id, key from ${table}_2`,
      `create trigger ${table}_t after insert on ${table}_2 when new.key = 'k' begin
         update ${table} set a = case when a > 1 then 1 else 2 end; insert into ${table} (a) values (raise(ignore)); end`,
      `insert into ${table} (a, b) values (1, 'x'), (2, 'y')`,
      `insert into ${table}_2 (key, c) values ('one', 'C') on conflict (key) do update set c = excluded.c`,
      `insert or ignore into ${table}_2 (key) values ('one')`,
      `replace into ${table}_3 values ('k', 'v')`,
      `insert into ${table}_3 select value, key from json_each('["p", "q"]')`,
      `with recursive n(i) as (select 1 union all select i + 1 from n where i < 3) insert into ${table} (a) select i from n`,
      `update ${table} set (a, b) = (5, 6) where id = 1`,
      `update ${table} set b = u.v from ${table}_3 as u where u.k = 'k'`,
      `delete from ${table} where id in (select id from ${table} order by id desc limit 1)`,
      `alter table ${table}_3 add column w text default 'z'`,
      `alter table ${table}_3 rename column w to x`,
      `alter table ${table}_3 rename to ${table}_4`,
      `alter table ${table}_4 drop column x`,
      `create virtual table ${table}_f using fts5(title, body, tokenize = 'porter unicode61')`,
      `insert into ${table}_f values ('one', 'running dogs'), ('two', 'a cat')`,
      `insert into ${table}_f(${table}_f) values ('optimize')`,
      `create virtual table ${table}_c using fts4(body, compress=upper, uncompress=lower, tokenize=unicode61 "tokenchars=.")`,
      `insert into ${table}_c values ('one.two three')`,
      `create virtual table ${table}_r using rtree(id, minX, maxX)`,
      `insert into ${table}_r values (1, 0, 10)`,
    ]) {
      await t.notThrowsAsync(execute(sql), sql);
    }
    const one = async (sql: string, args: unknown[] = []) =>
      Object.values((await query(sql, args))[0] ?? {})[0];
    t.is(await one(`select d from ${table}_2`), 'C');
    t.is(await one(`select y from ${table}_v`), 'one');
    t.is(await one(`select title from ${table}_f where ${table}_f match ? order by rank`, ['run']), 'one');
    t.is(await one(`select highlight(${table}_f, 1, '<', '>') from ${table}_f('cat')`), 'a <cat>');
    t.is(await one(`select body from ${table}_c where ${table}_c match '"one.two"'`), 'one.two three');
    t.is(await one(`select id from ${table}_r where minX < 5 and maxX > 5`), 1);
    t.is(
      await one(
        `select sum(a) filter (where a > 0) over (order by id rows unbounded preceding) from ${table}`,
      ),
      5,
    );
    t.is(await one("select group_concat(value, '-') from json_each(json_array(1, 2))"), '1-2');
    t.is(await one("select '{\"a\":[1,2]}' ->> '$.a[1]'"), 2);
    t.is(await one("select printf('%05.2f', 3.14159) || strftime('%Y', '2024-02-29')"), '03.142024');
    t.is(await one("select iif(1 is not distinct from abs(-1), 'same', 'other')"), 'same');
    t.is(await one('select count(*) from (select 1 union select 2 except select 2)'), 1);
    t.is(await one("select 'a;b -- c' || \"x\" from (select 'd' as x)"), 'a;b -- cd');
    t.is(
      await one(
        `select count(*) from sqlite_master where name like '${table}%' and name not like 'sqlite_%'`,
      ),
      22,
    );
    for (const sql of [
      `drop table ${table}_c`,
      `drop table ${table}_f`,
      `drop view ${table}_v`,
      `drop index ${table}_i`,
      `drop trigger ${table}_t`,
    ]) {
      await t.notThrowsAsync(execute(sql), sql);
    }
  });

  test(`${driver}: rows ordered by an expression respect LIMIT and OFFSET, and random() is evaluated once`, async (t) => {
    const { query } = await aTable(get);
    const numbers = 'with recursive n(i) as (select 1 union all select i + 1 from n where i < 500)';
    const rows = await query(`${numbers} select i from n order by abs(i * 7919 % 500), i limit 400 offset 7`);
    const expected = Array.from({ length: 500 }, (_, at) => at + 1)
      .sort((a, b) => ((a * 7919) % 500) - ((b * 7919) % 500) || a - b)
      .slice(7, 407);
    t.deepEqual(
      rows.map(({ i }) => i),
      expected,
    );
    const [twice] = await query('select x = x as same from (select random() as x)');
    t.deepEqual(twice, { same: 1 });
  });

  test(`${driver}: the error message of the database is included in the error`, async (t) => {
    const { table, query, execute } = await aTable(get, 'a unique');
    await execute(`insert into ${table} values (1, 1)`);
    await t.throwsAsync(execute(`insert into ${table} values (2, 1)`), {
      code: 'invalid_sql',
      message: /UNIQUE constraint failed/,
    });
    await t.throwsAsync(query('select nope'), { code: 'invalid_sql', message: /no such column: nope/ });
    await t.throwsAsync(query('select from'), { code: 'invalid_sql', message: /syntax error/ });
  });

  test(`${driver}: a statement with RETURNING reports the number of affected rows`, async (t) => {
    const { table, execute } = await aTable(get);
    const { rowsAffected } = await execute(`insert into ${table} (a) values (1), (2) returning id`);
    t.is(rowsAffected, 2);
    t.is((await execute(`update ${table} set a = 3 returning a`)).rowsAffected, 2);
  });

  test(`${driver}: INSERT OR FAIL keeps the rows before the one that failed, INSERT OR ROLLBACK none`, async (t) => {
    const { table, query, execute } = await aTable(get, 'a unique');
    const failed = { code: 'invalid_sql', message: /UNIQUE constraint failed/ };
    await t.throwsAsync(execute(`insert or fail into ${table} (a) values (1), (2), (1)`), failed);
    t.deepEqual(await query(`select a from ${table} order by a`), [{ a: 1 }, { a: 2 }]);
    await t.throwsAsync(execute(`insert or rollback into ${table} (a) values (3), (1)`), failed);
    await t.throwsAsync(execute(`insert into ${table} (a) values (3), (1)`), failed);
    t.deepEqual(await query(`select a from ${table} order by a`), [{ a: 1 }, { a: 2 }]);
    t.is((await execute(`insert into ${table} (a) values (3)`)).rowsAffected, 1);
  });

  test(`${driver}: a transaction returns a result for each operation, and a failed operation rolls back all`, async (t) => {
    const { databases, namespace, table, query } = await aTable(get, 'a unique');
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

  test(`${driver}: a transaction with a statement that does not compile changes nothing`, async (t) => {
    const { databases, namespace, table, query } = await aTable(get, 'a');
    const insert = (id: number) =>
      ({ kind: 'exec', sql: `insert into ${table} values (?, ?)`, args: [id, id] }) as const;
    const read = { kind: 'query', sql: `select count(*) as n from ${table}`, args: [] } as const;
    const bad = [
      { kind: 'exec', sql: `insert into ${table}_missing values (1)`, args: [] },
      { kind: 'exec', sql: `update ${table} set missing = 1`, args: [] },
      { kind: 'query', sql: `select * from ${table}_missing`, args: [] },
    ] as const;
    for (const one of bad) {
      for (const operations of [
        [insert(1), one, insert(2)],
        [insert(1), one, read],
      ]) {
        await t.throwsAsync(databases.transaction(namespace, operations, limits), {
          code: 'invalid_sql',
          message: /^Operation 2: no such/,
        });
        t.deepEqual(await query(read.sql), [{ n: 0 }], one.sql);
      }
    }
  });

  test(`${driver}: a transaction whose rows exceed 8 MB changes nothing`, async (t) => {
    const { databases, namespace, table, query } = await aTable(get, 'a');
    const insert = { kind: 'exec', sql: `insert into ${table} values (1, 1)`, args: [] } as const;
    const large = {
      kind: 'query',
      sql: "with n(i) as (values (1) union all select i + 1 from n where i < 9) select printf('%.1000000c', 'x') from n",
      args: [],
    } as const;
    await t.throwsAsync(databases.transaction(namespace, [insert, large], limits), {
      code: 'invalid_sql',
      message: /8 MB/,
    });
    t.deepEqual(await query(`select * from ${table}`), []);
  });

  test(`${driver}: the operations of a transaction share the 8 MB of a result`, async (t) => {
    const { databases, namespace, table, query } = await aTable(get, 'a');
    const insert = { kind: 'exec', sql: `insert into ${table} values (1, 1)`, args: [] } as const;
    const ofBytes = (bytes: number) =>
      ({
        kind: 'query',
        sql: `select printf('%.${bytes - '[{"x":""}]'.length}c', 'x') as x`,
        args: [],
      }) as const;
    const half = ofBytes(4 << 20);
    const results = await databases.transaction(namespace, [half, half], limits);
    t.deepEqual(
      results.map((rows) => JSON.stringify(rows).length),
      [4 << 20, 4 << 20],
    );
    for (const operations of [
      [half, half, ofBytes(20)],
      [insert, half, half, ofBytes(20)],
    ]) {
      await t.throwsAsync(databases.transaction(namespace, operations, limits), {
        code: 'invalid_sql',
        message: /8 MB, with those of the other operations/,
      });
    }
    t.deepEqual(await query(`select * from ${table}`), []);
  });

  test(`${driver}: a transaction reads and writes a table that it creates`, async (t) => {
    const { databases, namespace, table } = await aTable(get, 'a');
    const exec = (sql: string) => ({ kind: 'exec', sql, args: [] }) as const;
    const results = await databases.transaction(
      namespace,
      [
        exec(`create table ${table}_new (a)`),
        exec(`insert into ${table}_new values (1), (2)`),
        { kind: 'query', sql: `select a from ${table}_new where a > ?`, args: [1] },
      ],
      limits,
    );
    t.deepEqual(results.slice(1), [{ rowsAffected: 2, lastInsertId: 2 }, [{ a: 2 }]]);
  });

  test(`${driver}: concurrent transactions that read, and changes of the schema, all take place`, async (t) => {
    const { databases, namespace, table, query, execute } = await aTable(get, 'a');
    const ids = Array.from({ length: 8 }, (_, at) => at + 1);
    await Promise.all(
      ids.map(async (id) => {
        if (id % 4 === 0) return execute(`create table ${table}_${id} (a)`);
        const insert = { kind: 'exec', sql: `insert into ${table} values (?, ?)`, args: [id, id] } as const;
        const read = { kind: 'query', sql: `select id from ${table} where id = ?`, args: [id] } as const;
        const [, rows] = await databases.transaction(namespace, [insert, read], limits);
        t.deepEqual(rows, [{ id }]);
      }),
    );
    t.is((await query(`select * from ${table}`)).length, 6);
  });

  test(`${driver}: a trigger with several statements in its body is executed`, async (t) => {
    const { table, query, execute } = await aTable(get, 'a');
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
}
