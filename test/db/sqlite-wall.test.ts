import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { SandboxedDatabase } from '../../db/function-databases/drivers/sqlite-sandbox.js';
import type { BoundStatement, StatementOutcome } from '../../db/function-databases/executor.js';
import { tempDir } from '../helpers/temp-dir.js';

const directory = tempDir();
const written = join(directory, 'written');
const connection = new SandboxedDatabase(join(directory, 'own.sqlite'));
test.after.always(() => connection.close());

/** Runs a statement as if the guard had accepted it. */
function run(sql: string, kind: BoundStatement['kind'] = 'exec'): StatementOutcome[] {
  const outcomes: StatementOutcome[] = [];
  connection.run(
    [{ kind, sql, verb: 'insert', parameters: [], args: [] }],
    undefined,
    (outcome) => void outcomes.push(outcome),
  );
  return outcomes;
}

for (const sql of [
  `attach '${written}' as x`,
  `attach ':memory:' as x`,
  'detach main',
  `vacuum into '${written}'`,
  'vacuum',
  'pragma journal_mode = off',
  'pragma writable_schema = on',
  'pragma query_only = 0',
  'pragma max_page_count = 1000000',
  'pragma page_size = 512',
  "select * from pragma_table_info('t')",
  'begin',
  'savepoint x',
  'analyze',
  'create temp table x (a)',
  'create temp view x as select 1',
  'create view temp.x as select 1',
  'create temp trigger x after insert on t begin select 1; end',
  'create table trigger(begin int); drop table t; select 1 end',
  'select 1; drop table t',
  "select load_extension('x')",
  "select fts3_tokenizer('simple')",
  "select sqlite_log(1, 'x')",
  'select geopoly_debug(1)',
  'create table u (a default (geopoly_debug(1)), b as (geopoly_debug(a)))',
  'select * from sqlite_dbpage',
  "update sqlite_master set sql = 'x'",
  "delete from sqlite_master where name = 't'",
  'insert into sqlite_temp_master values (1, 2, 3, 4, 5)',
]) {
  test(`without the guard SQLite refuses: ${sql.slice(0, 70)}`, (t) => {
    run('create table if not exists t (a)');
    t.throws(() => run(sql));
    t.notThrows(() => run('insert into t values (1)'));
    t.false(existsSync(written));
  });
}

test('without the guard a query that writes is refused by SQLite', (t) => {
  run('create table if not exists r (a)');
  for (const sql of [
    'insert into r values (1)',
    'insert into r values (1) returning a',
    'with x as (select 1) insert into r select 1',
    'drop table r',
    'create table s (a)',
    'select 1) union select (2',
    'select 1; insert into r values (1)',
  ]) {
    t.throws(() => run(sql, 'query'), undefined, sql);
  }
  t.deepEqual(run('select count(*) as n from r', 'query')[0]?.rows.json, '[{"n":0}]');
});

test('an existing trigger cannot call a function that is not allowed', (t) => {
  run('create table if not exists w (a)');
  // The name is resolved when the trigger runs, not when it is created.
  run("create trigger if not exists evil after insert on w begin select load_extension('x'); end");
  t.throws(() => run('insert into w values (1)'), { message: /not authorized|prohibited|no such function/ });
});

test('a full-text table whose options name a function that is not allowed does not call it', (t) => {
  run('create virtual table if not exists f using fts4(a, compress=load_extension, uncompress=hex)');
  t.throws(() => run("insert into f values ('x')"), { message: /not authorized|prohibited|SQL logic error/ });
  t.deepEqual(run('select count(*) as n from f_content', 'query')[0]?.rows.json, '[{"n":0}]');
});

test('the directory contains only the database and its WAL after a large sort', (t) => {
  run('create table if not exists x (a)');
  run(
    'with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000) insert into x select randomblob(100) from n order by random()',
  );
  t.deepEqual(
    readdirSync(directory).filter((name) => !name.startsWith('own.sqlite')),
    [],
  );
});
