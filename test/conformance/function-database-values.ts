import test from 'ava';
import { aTable, type GetDatabases, limits } from './function-database-table.js';

/** Tests about the values of arguments and rows. */
export function testDatabaseValues(driver: string, get: GetDatabases): void {
  test(`${driver}: integers, floats, null, text, booleans and bytes are read back with their types`, async (t) => {
    // Declared as a blob, as RQLite distinguishes bytes from text only by the column type.
    const { table, query, execute } = await aTable(get, 'b blob');
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
    const { query } = await aTable(get);
    for (const bad of [{}, [1], { $blob: 'no base64!' }, Number.NaN, 2n ** 63n]) {
      await t.throwsAsync(query('select ?, ?', [1, bad]), { code: 'invalid_sql', message: /Argument 2/ });
    }
  });

  test(`${driver}: 64-bit integers are exact as bigint arguments, text arguments and row ids`, async (t) => {
    const { table, query, execute } = await aTable(get, 'a integer');
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
    const { table, query, execute } = await aTable(get, 'a text');
    await execute(`insert into ${table} (a) values (?)`, ['a\0b']);
    t.deepEqual(
      await query(`select a, length(cast(a as blob)) as bytes, 'x' || char(0) || 'y' as made from ${table}`),
      [{ a: 'a\0b', bytes: 3, made: 'x\0y' }],
    );
    t.deepEqual(await query(`select id from ${table} where a = ?`, ['a\0b']), [{ id: 1 }]);
  });

  test(`${driver}: reading a text that is not UTF-8 is an invalid_sql error, and U+FFFD is read as text`, async (t) => {
    const { table, query, execute } = await aTable(get, 'a text');
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

  test(`${driver}: a number of arguments that differs from the number of parameters is rejected`, async (t) => {
    const { databases, namespace, query, execute } = await aTable(get);
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
    const { query } = await aTable(get);
    const [row] = await query(
      'select 1 as a, 2 as a, 3 as "a:2", 4 as a, 5 as "__proto__", 6 as "__proto__"',
    );
    t.is(JSON.stringify(row), '{"a":1,"a:3":2,"a:2":3,"a:4":4,"__proto__":5,"__proto__:2":6}');
    t.is(Object.getPrototypeOf(row), Object.prototype);
  });
}
