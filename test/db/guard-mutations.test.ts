import { constants, DatabaseSync } from '@photostructure/sqlite';
import test from 'ava';
import { guard } from '../../db/function-databases/statement.js';
import { tokenize } from '../../db/function-databases/tokens.js';

/**
 * Statements of every kind, as the base of mutations. SQLite's result of each mutation shows
 * whether the guard was right.
 */
const STATEMENTS = [
  'select a, b as c from t where a > 1 and b like 2 group by a having count(*) > 1 order by b desc limit 3 offset 4',
  'select case a when 1 then 2 else 3 end, cast(a as decimal(10, 2)), a between 1 and 2, a in (1, 2) from t as x',
  'select sum(a) filter (where a > 1) over (partition by b order by a rows between 1 preceding and 2 following) from t',
  'select a from t cross join u on t.a = u.d left join v using (a) where exists (select 1 from u) and a is not distinct from b',
  'with recursive n(i) as (select 1 union all select i + 1 from n), m as materialized (select 2) select i from n, m',
  'select a collate nocase, a isnull, a glob 1, b like 1 escape 2, a not in v from t window w as (order by a)',
  'select * from json_each(1) as j, t indexed by i where j.value = 1',
  'insert into t (a, b) values (1, 2), (3, 4) on conflict (a) do update set b = excluded.b where a > 1 returning a, b',
  'insert or replace into main.t as x (a) select d from u where d = 1',
  'replace into t default values',
  'update or ignore t as x set a = 1, (b) = (2) from u where u.d = x.a returning a',
  'delete from t where a = 1 returning b',
  'create table n1 (a varchar(10) primary key, b int not null default 1 check (b > 2), c as (a || 1) stored, unique (a, b), foreign key (b) references t (a))',
  'create table if not exists n2 as select 1 as x',
  'create unique index if not exists n3 on t (a, lower(b) collate nocase desc) where a > 1',
  'create view n4 (x, y) as select a, b from t',
  'create trigger n5 after update of a on t for each row when new.a > 1 begin update t set a = 1 where a = 2; select raise(abort, 3); end',
  'create virtual table n6 using fts5(a, b)',
  'alter table t add column n7 varchar(10) default 1 check (n7 > 1)',
  'alter table t rename column b to c',
  'drop table if exists u',
];

const EVIL = [
  'evil(1)',
  'evil (1)',
  '"evil"(1)',
  '[evil]/**/(1)',
  'evil(a)',
  '(evil(1))',
  'x evil(1)',
  ', evil(1)',
  '+ evil(1)',
  'evil(1) as (',
  'evil(1) as (2)',
  'main.evil(1)',
  'evil(distinct 1)',
  'evil()',
];
const BREAKS = [
  ';',
  '; end',
  '; end;',
  'begin',
  'end',
  '; select 1',
  '; drop table t',
  'trigger',
  'create trigger',
  '/*',
  '*/',
  '--',
  '\n',
  "'",
  '"',
  '[',
  ']',
  '`',
  "x'",
  '.',
  '1.',
  '1e',
  '/',
  '*',
  '-',
  '\v',
  '\\',
  '\u00a0',
  '\u2003',
  '?',
  'case',
  'explain',
  '\u001f',
];

const SYNTAX_ERROR = /syntax error|incomplete input|unrecognized token/;

/**
 * Yields every statement with each of the fragments inserted before, in place of, and after each of
 * its tokens.
 */
function* mutations(pieces: readonly string[]): Generator<string> {
  for (const statement of STATEMENTS) {
    const tokens = tokenize(statement);
    if (typeof tokens === 'string') throw new Error(`${tokens}: ${statement}`);
    for (let at = 0; at < tokens.length; at += 1) {
      const [before, here, behind] = [
        statement.slice(0, tokens.start(at)),
        tokens.source(at),
        statement.slice(tokens.end(at)),
      ];
      for (const piece of pieces) {
        yield `${before} ${piece} ${here}${behind}`;
        yield `${before} ${piece} ${behind}`;
        yield `${before}${here} ${piece} ${behind}`;
        yield `${before}${piece}${behind}`;
      }
    }
  }
}

function open() {
  const database = new DatabaseSync(':memory:', { enableDoubleQuotedStringLiterals: true });
  database.exec(
    'create table t (a unique, b); create table u (d); create table v (a); create index i on t (a)',
  );
  database.function('evil', { varargs: true }, () => 1);
  return database;
}

const passes = (sql: string): string | null => {
  try {
    return guard(sql, 'exec').sql;
  } catch {
    return null;
  }
};

test('SQLite and the guard accept every statement that the mutations are based on', (t) => {
  const database = open();
  for (const statement of STATEMENTS) {
    t.is(passes(statement), statement);
    t.notThrows(() => database.prepare(statement.replace(' indexed by i', '')), statement);
  }
  database.close();
});

test('the guard refuses every mutation in which SQLite finds a call of a function that is not allowed', (t) => {
  const database = open();
  let seen = false;
  let calls = 0;
  let tried = 0;
  database.setAuthorizer((action, _table, name) => {
    if (action === constants.SQLITE_FUNCTION && name === 'evil') seen = true;
    return constants.SQLITE_OK;
  });
  const missed: string[] = [];
  for (const sql of mutations(EVIL)) {
    tried += 1;
    seen = false;
    try {
      database.prepare(sql);
    } catch (error) {
      // SQLite resolves names before it has parsed the whole text; after a syntax error nothing is
      // executed.
      if (error instanceof Error && SYNTAX_ERROR.test(error.message)) continue;
    }
    if (!seen) continue;
    calls += 1;
    if (passes(sql) !== null) missed.push(sql);
  }
  database.close();
  t.deepEqual(missed.slice(0, 5), []);
  t.true(calls > 1_000, `${calls} calls in ${tried} statements`);
});

test('every mutation accepted by the guard is a single statement or an error in SQLite', (t) => {
  const database = open();
  const END = '\n/*end*/';
  const missed: string[] = [];
  let whole = 0;
  for (const mutated of mutations(BREAKS)) {
    const sql = passes(mutated);
    if (sql === null) continue;
    try {
      if (database.prepare(sql + END).expandedSQL?.endsWith(END)) whole += 1;
      else missed.push(mutated);
    } catch {
      // Nothing is executed.
    }
  }
  database.close();
  t.deepEqual(missed.slice(0, 5), []);
  t.true(whole > 500, `${whole} were accepted`);
});
