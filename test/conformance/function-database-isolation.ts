import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { FUNCTION_GROUPS, MODULE_GROUPS } from '../../db/function-databases/allowed-names.js';
import { isAppError } from '../../src/errors.js';
import { aTable, type GetDatabases, limits } from './function-database-table.js';

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

/** Tests about statements that must not reach files, other databases, settings or the process. */
export function testDatabaseIsolation(driver: string, get: GetDatabases): void {
  test(`${driver}: namespaces do not see each other's tables`, async (t) => {
    const { databases, other, table } = await aTable(get);
    await t.throwsAsync(databases.query(other, `select * from ${table}`, [], limits), {
      code: 'invalid_sql',
      message: /no such table/,
    });
    await databases.execute(other, `create table ${table} (b)`, [], limits);
    t.deepEqual(await databases.query(other, `select * from ${table}`, [], limits), []);
  });

  test(`${driver}: a statement that writes is rejected by query and changes nothing`, async (t) => {
    const { table, query } = await aTable(get);
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

  test(`${driver}: no allowed function crashes its process with hostile arguments`, async (t) => {
    const { query } = await aTable(get);
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
    const { table, query, execute } = await aTable(get, 'a text');
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

  test(`${driver}: statements that access files, other databases or settings are rejected without any effect`, async (t) => {
    const { table, query, execute } = await aTable(get);
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
}
