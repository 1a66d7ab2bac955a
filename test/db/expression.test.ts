import test from 'ava';
import { guardExpression } from '../../db/function-databases/expression.js';

const refused = { name: 'AppError', code: 'invalid_sql' } as const;

for (const sql of [
  'age > ?',
  ' lower(name) = ? and (a, b) in (values (?, ?)) ',
  'exists (select 1 from t where t.id = u.id)',
  'a is not distinct from b',
  "name like '%;%' escape '!'",
  'case when a then b else replace(c, 1, 2) end',
  't."from" = 1 and t.limit > 2',
]) {
  test(`the expression is accepted: ${sql}`, (t) => {
    t.is(guardExpression(sql, 'condition').sql, sql.trim());
    t.is(guardExpression(sql, 'column').parameters, sql.split('?').length - 1);
  });
}

for (const sql of [
  '',
  '-- nothing',
  '1 -- and the rest',
  '1 /* and the rest */',
  '1; drop table t',
  '1) union select (sql from sqlite_master',
  '(1',
  'a, b',
  '1 union select sql from sqlite_master',
  '1 union (select 1)',
  '1 from secrets',
  '1 order by a',
  '1 limit 1',
  '1 group by a',
  'a where b',
  'select 1',
  'a join b',
  "readfile('/etc/passwd')",
  '(select nobody_has_judged(1))',
  "(select * from pragma_table_info('t'))",
  'a = :name',
  'a = ?1',
  "'not closed",
  'x'.repeat(101 << 10),
]) {
  test(`the expression is rejected: ${sql.slice(0, 60)}`, (t) => {
    t.throws(() => guardExpression(sql, 'condition'), refused);
    t.throws(() => guardExpression(sql, 'column'), refused);
  });
}

test('an alias is accepted for a column and rejected for a condition', (t) => {
  for (const sql of ['count(*) as n', 'a AS "b"', '*', 't.*', 'cast(a as text) as b']) {
    t.is(guardExpression(sql, 'column').sql, sql);
  }
  t.throws(() => guardExpression('count(*) as n', 'condition'), refused);
  t.throws(() => guardExpression('a as b from c', 'column'), refused);
  t.throws(() => guardExpression('as a', 'column'), refused);
});
