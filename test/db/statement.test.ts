import test from 'ava';
import { guard } from '../../db/functions/statement.js';

const refused = { name: 'AppError', code: 'invalid_sql' } as const;

for (const [sql, verb] of [
  ['SELECT 1', 'select'],
  ['  -- why\n /* or ; not */ select 1 ; ', 'select'],
  ['with a as (select 1), b(x) as (values (2)) select replace(x, 1, 2) from a, b', 'select'],
  ['WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a', 'insert'],
  ['with a as materialized (select 1) delete from t', 'delete'],
  ['insert into t values (\'; drop table t; --\', "a;b", [c;d], `e;f`)', 'insert'],
  ["select 'it''s; fine'", 'select'],
  ['replace into t values (1)', 'replace'],
  ['create table t (a int, "pragma" text, attach, vacuum)', 'create'],
  ["create table if not exists t (kind text check (kind in ('edit', 'view')))", 'create'],
  [
    'create trigger x after insert on t begin update t set a = case when 1 then 2 else 3 end; delete from u; end;',
    'create',
  ],
  ['create virtual table f using fts5(body)', 'create'],
  ['alter table t add column b', 'alter'],
  ['drop table t;;', 'drop'],
  ["select value ->> 0, 1.5e3, x'00ff', ?1 from json_each(?)", 'select'],
] as const) {
  test(`lets through: ${sql}`, (t) => {
    t.is(guard(sql, 'exec').verb, verb);
    if (verb === 'select') t.is(guard(sql, 'query').verb, verb);
    else t.throws(() => guard(sql, 'query'), { ...refused, message: /only reads/ });
  });
}

for (const sql of [
  '',
  '-- nothing but a comment',
  ';',
  'select 1; select 2',
  'select 1;/* */;delete from t',
  "ATTACH 'orama.sqlite' AS engine",
  "/* select */ attach 'x' as y",
  'detach y',
  'PRAGMA table_info(t)',
  'vacuum',
  "VACUUM INTO '/tmp/copy'",
  'explain select 1',
  'begin',
  'commit',
  'savepoint a',
  'values (1)',
  'reindex',
  'analyze',
  "select load_extension('x')",
  "select LOAD_EXTENSION /* */ ('x')",
  'select "readfile"(\'/etc/passwd\')',
  "select [readfile]('/etc/passwd')",
  "select `readfile`('/etc/passwd')",
  "select writefile('/tmp/x', 'y')",
  "select * from fsdir('/')",
  "select * from 'fsdir' where path = '/'",
  "select * from pragma_table_info('t')",
  "select * from 'pragma_database_list'",
  'create view v as select readfile(path) from t',
  "create trigger x after insert on t begin select writefile('a', 'b'); end",
  'create trigger x after insert on t begin select 1; end; drop table t',
  "create virtual table f using fts5(a, content='fsdir')",
  'insert into sqlite_dbpage values (1, 2, 3)',
  "select sqlite3mc_config('cipher', 1)",
  "select fts3_tokenizer('a', x'00')",
  // To SQLite `$x(')` is one parameter, so what looks like a text is a call.
  "select $x('), readfile('/etc/passwd'), '",
  'select :name',
  'select @name',
  // A byte order mark is a blank to SQLite.
  "select \ufeffreadfile('/etc/passwd')",
  "select '\0', readfile('/etc/passwd')",
  "select 'not closed",
  'select [not closed',
  `select '${'x'.repeat(1 << 20)}'`,
]) {
  test(`refuses: ${sql.slice(0, 80)}`, (t) => {
    t.throws(() => guard(sql, 'exec'), refused);
    t.throws(() => guard(sql, 'query'), refused);
  });
}

test('a refusal says what to do', (t) => {
  t.throws(() => guard('pragma x', 'exec'), { message: /PRAGMA.*begins with SELECT, WITH/ });
  t.throws(() => guard('select 1; select 2', 'exec'), { message: /one statement a call/ });
  t.throws(() => guard('insert into t values (1) returning a', 'query'), {
    message: /an INSERT; use execute/,
  });
});
