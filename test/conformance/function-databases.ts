import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { FUNCTION_GROUPS, MODULE_GROUPS } from '../../db/functions/allowed-names.js';
import type { Namespace } from '../../src/contract/ids.js';
import { isAppError } from '../../src/errors.js';
import { uuidv7 } from '../../src/uuid.js';
import type { ParsedDatabases } from '../helpers/parsed-rows.js';
import { shared } from '../helpers/shared.js';

export interface OpenedFunctionDatabases {
  databases: ParsedDatabases;
  /** Two namespaces with databases of their own. */
  namespaces: readonly [Namespace, Namespace];
  close(): Promise<void>;
}

const limits = { timeoutMs: 30_000 };
const ENDLESS = 'with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n';

/** Values with which functions of extensions were seen to end their process. */
const HOSTILE_ARGUMENTS = [
  "cast(x'ff80' as text)",
  "cast(x'e282' as text)",
  "'a' || char(0, 55296, 1114111)",
  '-9223372036854775808',
  '9223372036854775807',
  '1e308',
  'null',
  'zeroblob(100000)',
  "replace(hex(zeroblob(500)), '0', '%s%n')",
  `'{"a":[1,"\\uD800"]}'`,
];

/** Yields calls of every allowed function with up to three of these values. */
function* hostileCalls(): Generator<string> {
  const names = FUNCTION_GROUPS.flatMap(({ names }) => names).filter((name) => /^\w+$/.test(name));
  for (const name of names) {
    yield `select ${name}() as a`;
    for (let first = 0; first < HOSTILE_ARGUMENTS.length; first += 1) {
      for (const count of [1, 2, 3]) {
        const values = Array.from({ length: count }, (_, at) => pick(first + at * (count + first)));
        yield `select ${name}(${values.join()}) as a`;
      }
    }
  }
  for (const name of MODULE_GROUPS.flatMap(({ names }) => names).filter((name) => name.startsWith('json'))) {
    for (const value of HOSTILE_ARGUMENTS) yield `select * from ${name}(${value})`;
  }
}

function pick(at: number): string {
  return HOSTILE_ARGUMENTS[at % HOSTILE_ARGUMENTS.length] ?? 'null';
}

/** Tests for every driver of the functions' databases. Each test has its own tables. */
export function testFunctionDatabases(driver: string, open: () => Promise<OpenedFunctionDatabases>): void {
  const get = shared(open);

  /** Returns the databases, the first namespace and the name of a new table. */
  async function setUp(columns = 'a') {
    const { databases, namespaces } = await get();
    const [namespace, other] = namespaces;
    const table = `t_${uuidv7().replaceAll('-', '')}`;
    const query = (sql: string, args: unknown[] = []) => databases.query(namespace, sql, args, limits);
    const execute = (sql: string, args: unknown[] = []) => databases.execute(namespace, sql, args, limits);
    await execute(`create table ${table} (id integer primary key, ${columns})`);
    return { databases, namespace, other, table, query, execute };
  }

  test(`${driver}: rows are inserted, updated, deleted and read, and affected rows are counted`, async (t) => {
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

  test(`${driver}: select supports columns, joins, conditions, groups and limits, and bytes returns the size`, async (t) => {
    const { databases, namespaces } = await get();
    const [namespace] = namespaces;
    const { table, execute } = await setUp('a text, "group" integer');
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

  test(`${driver}: integers, floats, null, text, booleans and bytes are read back with their types`, async (t) => {
    // Declared as a blob, as RQLite distinguishes bytes from text only by the column type.
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
      big: 9007199254740993n,
      safe: -9007199254740991,
    });
  });

  test(`${driver}: an argument of an unsupported type is rejected with its position`, async (t) => {
    const { query } = await setUp();
    for (const bad of [{}, [1], { $blob: 'no base64!' }, Number.NaN, 2n ** 63n]) {
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

  test(`${driver}: a statement that writes is rejected by query and changes nothing`, async (t) => {
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

  test(`${driver}: 64-bit integers are exact as bigint arguments, text arguments and row ids`, async (t) => {
    const { table, query, execute } = await setUp('a integer');
    const [large, largest] = [9007199254740993n, 9223372036854775807n];
    t.deepEqual(await execute(`insert into ${table} (id, a) values (?, ?)`, [large, String(largest)]), {
      rowsAffected: 1,
      lastInsertId: large,
    });
    t.deepEqual(
      await query(`select id, a, typeof(a) as kind, -a - 1 as least from ${table} where id = ?`, [large]),
      [{ id: large, a: largest, kind: 'integer', least: -largest - 1n }],
    );
  });

  test(`${driver}: a text with a NUL character is stored and read unchanged`, async (t) => {
    const { table, query, execute } = await setUp('a text');
    await execute(`insert into ${table} (a) values (?)`, ['a\0b']);
    t.deepEqual(
      await query(`select a, length(cast(a as blob)) as bytes, 'x' || char(0) || 'y' as made from ${table}`),
      [{ a: 'a\0b', bytes: 3, made: 'x\0y' }],
    );
    t.deepEqual(await query(`select id from ${table} where a = ?`, ['a\0b']), [{ id: 1 }]);
  });

  test(`${driver}: reading a text that is not UTF-8 is an invalid_sql error, and U+FFFD is read as text`, async (t) => {
    const { table, query, execute } = await setUp('a text');
    await execute(`insert into ${table} (a) values (cast(x'ff41' as text)), ('\ufffd')`);
    for (const sql of [
      `select a from ${table}`,
      "select cast(x'ff41' as text) as a",
      "select substr(cast(x'c3a9' as text), 1) || cast(x'c3' as text) as a",
      "select json_extract(cast(x'5b22ff225d' as text), '$[0]') as a",
      "select replace(cast(x'ff' as text), 'a', 'b') as a",
      "select upper(cast(x'80' as text)) as a",
      "select group_concat(cast(x'e282' as text)) as a",
    ]) {
      await t.throwsAsync(query(sql), { code: 'invalid_sql', message: /column "a".*UTF-8/ }, sql);
    }
    t.deepEqual(
      await query(`select id, a, x'00ff' as b, 1.5 as c, null as d from ${table} where a = ?`, ['\ufffd']),
      [{ id: 2, a: '\ufffd', b: { $blob: 'AP8=' }, c: 1.5, d: null }],
    );
    t.is((await query(`select hex(a) as h from ${table} where id = 1`))[0]?.h, 'FF41');
  });

  test(`${driver}: no allowed function crashes its process with hostile arguments`, async (t) => {
    const { query } = await setUp();
    const failed: string[] = [];
    const ask = async (sql: string): Promise<string> => {
      try {
        await query(sql);
        return '';
      } catch (error) {
        const said = error instanceof Error ? error.message : String(error);
        if (!isAppError(error, 'invalid_sql') || said.includes('crashed')) failed.push(`${sql}: ${said}`);
        return said;
      }
    };
    const statements = [...hostileCalls()];
    t.true(statements.length > 3_000);
    const ended: string[] = [];
    const client = async () => {
      for (let sql = statements.pop(); sql !== undefined; sql = statements.pop()) {
        const said = await ask(sql);
        if (/window function/.test(said)) await ask(sql.replace(' as a', ' over (order by 1) as a'));
        if (said === '') ended.push(sql);
      }
    };
    await Promise.all(Array.from({ length: 8 }, client));
    t.deepEqual(failed.slice(0, 5), []);
    // Most calls have a result, so that the functions have been reached.
    t.true(ended.length > 700, `${ended.length} had a result`);
    t.deepEqual(await query('select 1 as one'), [{ one: 1 }]);
  });

  test(`${driver}: an error of the database that quotes invalid UTF-8 of a statement is valid Unicode`, async (t) => {
    const { table, query, execute } = await setUp('a text');
    await execute(`create virtual table ${table}_f using fts5(a)`);
    for (const sql of [
      `select * from ${table}_f where ${table}_f match cast(x'22ff' as text)`,
      "select json_extract('{}', cast(x'ff24' as text))",
      "select json(cast(x'7bff' as text))",
    ]) {
      const error = await t.throwsAsync(query(sql), { code: 'invalid_sql' }, sql);
      t.notRegex(error?.message ?? '', /\p{Surrogate}/u, sql);
    }
  });

  test(`${driver}: a number of arguments that differs from the number of parameters is rejected`, async (t) => {
    const { databases, namespace, query, execute } = await setUp();
    const message = /2 parameters and 1 argument/;
    await t.throwsAsync(query('select ?, ?', [1]), { code: 'invalid_sql', message });
    await t.throwsAsync(execute('select ?, ?', [1]), { code: 'invalid_sql', message });
    await t.throwsAsync(query('select 1', [1]), {
      code: 'invalid_sql',
      message: /0 parameters and 1 argument/,
    });
    const operation = { kind: 'query', sql: 'select ?, ?', args: [1] } as const;
    await t.throwsAsync(databases.transaction(namespace, [operation], limits), { message });
    t.deepEqual(await query('select ?2 as a, ?1 as b, ?2 as c', [1, 2]), [{ a: 2, b: 1, c: 2 }]);
  });

  test(`${driver}: columns with equal names are all returned under distinct keys, including __proto__`, async (t) => {
    const { query } = await setUp();
    const [row] = await query(
      'select 1 as a, 2 as a, 3 as "a:2", 4 as a, 5 as "__proto__", 6 as "__proto__"',
    );
    t.is(JSON.stringify(row), '{"a":1,"a:3":2,"a:2":3,"a:4":4,"__proto__":5,"__proto__:2":6}');
    t.is(Object.getPrototypeOf(row), Object.prototype);
  });

  test(`${driver}: statements that access files, other databases or settings are rejected without any effect`, async (t) => {
    const { table, query, execute } = await setUp();
    const directory = mkdtempSync(join(tmpdir(), 'orama-sql-'));
    t.teardown(() => rmSync(directory, { recursive: true, force: true }));
    const file = join(directory, 'written');
    await execute(`insert into ${table} values (1, 1)`);
    for (const sql of [
      `attach '${file}' as x`,
      'detach x',
      'pragma table_list',
      'pragma writable_schema = on',
      `vacuum into '${file}'`,
      "select load_extension('x')",
      "select readfile('/etc/passwd')",
      `select writefile('${file}', 'x')`,
      'select * from pragma_database_list',
      'select * from "pragma_function_list"',
      "select fts3_tokenizer('simple')",
      // Functions that execute a statement given as text.
      `select sha3_query('attach ''${file}'' as x')`,
      // Functions that are called without a parenthesis in the text.
      `create virtual table x using fts4(a, compress=load_extension, uncompress=hex)`,
      `create virtual table x using fts4(a, compress="fts3_tokenizer")`,
      // Two statements that a check simpler than SQLite's grammar would take for one.
      `create table trigger(begin int); attach '${file}' as y; select 1 end`,
      `create table trigger(begin int); delete from ${table}; select 1 end`,
      `create view trigger as select 1; begin; drop table ${table}; end`,
      `create trigger x after insert on ${table} begin select 1; end; delete from ${table}`,
      `select 1; delete from ${table}`,
      `select 1;;delete from ${table}`,
      `select '1' /* ' */; delete from ${table} -- '`,
      // Named parameters in which a quote does not begin a string.
      `select $a('), readfile('/etc/passwd'), '`,
      // Temporary objects would outlive the call.
      `create temp table ${table} (id, a)`,
      `create temp view ${table} as select 5 as id`,
      `create temporary trigger x after insert on ${table} begin select 1; end`,
      `create view temp.${table} as select 5 as id`,
      'begin',
      'commit',
      'explain select 1',
      'reindex',
      'analyze',
    ]) {
      await t.throwsAsync(execute(sql), { code: 'invalid_sql' }, sql);
      await t.throwsAsync(query(sql), { code: 'invalid_sql' }, sql);
    }
    t.deepEqual(await query(`select * from ${table}`), [{ id: 1, a: 1 }]);
    t.deepEqual(await query("select name from sqlite_master where name in ('trigger', 'x')"), []);
    t.deepEqual(readdirSync(directory), []);
  });

  test(`${driver}: common statements of the SQLite documentation are accepted`, async (t) => {
    const { table, query, execute } = await setUp('a, b');
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
    const { query } = await setUp();
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
    const { table, query, execute } = await setUp('a unique');
    await execute(`insert into ${table} values (1, 1)`);
    await t.throwsAsync(execute(`insert into ${table} values (2, 1)`), {
      code: 'invalid_sql',
      message: /UNIQUE constraint failed/,
    });
    await t.throwsAsync(query('select nope'), { code: 'invalid_sql', message: /no such column: nope/ });
    await t.throwsAsync(query('select from'), { code: 'invalid_sql', message: /syntax error/ });
  });

  test(`${driver}: a statement with RETURNING reports the number of affected rows`, async (t) => {
    const { table, execute } = await setUp();
    const { rowsAffected } = await execute(`insert into ${table} (a) values (1), (2) returning id`);
    t.is(rowsAffected, 2);
    t.is((await execute(`update ${table} set a = 3 returning a`)).rowsAffected, 2);
  });

  test(`${driver}: a transaction returns a result for each operation, and a failed operation rolls back all`, async (t) => {
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

  test(`${driver}: a trigger with several statements in its body is executed`, async (t) => {
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

  test(`${driver}: a result over 8 MB is rejected and not truncated`, async (t) => {
    const { query } = await setUp();
    const rows = (n: number) =>
      `with recursive n(i) as (select 1 union all select i + 1 from n where i < ${n})
       select i, hex(zeroblob(524288)) as x from n`;
    t.is((await query(rows(7))).length, 7);
    await t.throwsAsync(query(rows(9)), { code: 'invalid_sql', message: /8 MB/ });
  });

  test(`${driver}: 40 concurrent increments of a column are all applied`, async (t) => {
    const { table, query, execute } = await setUp('a integer');
    await execute(`insert into ${table} values (1, 0)`);
    await Promise.all(Array.from({ length: 40 }, () => execute(`update ${table} set a = a + 1`)));
    t.deepEqual(await query(`select a from ${table}`), [{ a: 40 }]);
  });

  test(`${driver}: an endless statement is stopped at its timeout`, async (t) => {
    const { databases, namespace, table, query } = await setUp();
    await t.throwsAsync(databases.query(namespace, ENDLESS, [], { timeoutMs: 1_000 }), {
      code: 'unavailable',
      message: /1000 ms/,
    });
    t.deepEqual(await query(`select * from ${table}`), []);
  });

  test(`${driver}: other statements complete while an endless statement runs`, async (t) => {
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
    t.false(ended, 'the endless statement ended before the others completed');
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

  test(`${driver}: ping succeeds, closing twice has no effect, and a query after close fails`, async (t) => {
    const { databases, namespaces, close } = await open();
    await databases.ping();
    await databases.close();
    await databases.close();
    await t.throwsAsync(databases.query(namespaces[0], 'select 1', [], limits), { code: 'unavailable' });
    await close();
  });
}
