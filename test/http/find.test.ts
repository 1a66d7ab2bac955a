import test from 'ava';
import { aTenant, sharedEngine } from './served.js';

const engine = sharedEngine();

async function aShop() {
  const api = await aTenant(await engine());
  const post = (path: string, body: unknown) => api.post(`/v1/rqlite/${path}`, body);
  const made = await post('transaction', {
    statements: [
      'CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, email TEXT, age INTEGER, "order" INTEGER)',
      'CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id INTEGER, title TEXT)',
      "INSERT INTO users VALUES (1, 'Ann', 'a@x', 30, 2), (2, 'Bob', NULL, 40, 1), (3, 'Cem', 'c@x', 40, 3)",
      "INSERT INTO posts VALUES (1, 1, 'one'), (2, 1, 'two'), (3, 3, 'three')",
    ],
  });
  if (made.status !== 200) throw new Error(made.text);
  return { api, post };
}

const ids = (reply: { json: { items: { id: number }[] } }) => reply.json.items.map(({ id }) => id);

test('find selects rows by column values, with options at the top level or under `options`', async (t) => {
  const { post } = await aShop();
  const all = await post('find', { table: 'users', options: { order_by: ['id'] } });
  t.is(all.status, 200, all.text);
  t.is(all.json.count, 3);
  t.deepEqual(all.json.items[0], { id: 1, name: 'Ann', email: 'a@x', age: 30, order: 2 });
  t.deepEqual(ids(await post('find', { table: 'users', criteria: { age: 40, name: 'Bob' } })), [2]);
  t.deepEqual(ids(await post('find', { table: 'users', criteria: { email: null } })), [2]);
  t.deepEqual(ids(await post('find', { table: 'users', criteria: { 'users.order': 3 } })), [3]);
  const page = { order_by: ['age DESC', 'name asc'], limit: 2, offset: 1 };
  t.deepEqual(ids(await post('find', { table: 'users', options: page })), [3, 1]);
  t.deepEqual(ids(await post('find', { table: 'users', criteria: {}, ...page })), [3, 1]);
  t.deepEqual(ids(await post('find', { table: 'users', offset: 2, order_by: ['order'] })), [3]);
  const grouped = await post('find', {
    table: 'users',
    options: { select: ['age', 'count(*) AS n'], group_by: ['age'], order_by: ['n DESC NULLS LAST'] },
  });
  t.deepEqual(grouped.json.items, [
    { age: 40, n: 2 },
    { age: 30, n: 1 },
  ]);
  const joined = await post('find', {
    table: 'users',
    criteria: { 'users.name': 'Ann' },
    options: {
      select: ['posts.title AS title'],
      joins: [{ kind: 'INNER', table: 'posts', on: 'posts.user_id = users.id' }],
      order_by: ['posts.id'],
    },
  });
  t.deepEqual(joined.json.items, [{ title: 'one' }, { title: 'two' }]);
});

test('find-one returns the first matching row, or 404 when no row matches', async (t) => {
  const { post } = await aShop();
  const one = await post('find-one', {
    table: 'users',
    criteria: { age: 40 },
    options: { order_by: ['id DESC'] },
  });
  t.deepEqual(one.json, { id: 3, name: 'Cem', email: 'c@x', age: 40, order: 3 });
  const none = await post('find-one', { table: 'users', criteria: { name: "x' OR '1'='1" } });
  t.is(none.status, 404);
  t.is(none.json.code, 'not_found');
});

test('select builds a query from its parts, and with `one` returns the first row or 404', async (t) => {
  const { post } = await aShop();
  const where = [
    { expr: 'age = ?', args: [30] },
    { conj: 'or', expr: 'name LIKE ? AND age > ?', args: ['C%', 35] },
  ];
  t.deepEqual(ids(await post('select', { table: 'users', where, order_by: ['id'] })), [1, 3]);
  const joined = await post('select', {
    table: 'users',
    alias: 'u',
    select: ['u.name', 'COUNT(posts.id) AS posts'],
    joins: [{ kind: 'left', table: 'posts', on: 'posts.user_id = u.id' }],
    group_by: ['u.id'],
    order_by: ['posts DESC', 'u.name'],
    limit: 2,
  });
  t.deepEqual(joined.json, {
    items: [
      { name: 'Ann', posts: 2 },
      { name: 'Cem', posts: 1 },
    ],
    count: 2,
  });
  const one = await post('select', { table: 'users', select: ['COUNT(*) AS count'], where, one: true });
  t.deepEqual(one.json, { count: 2 });
  const none = await post('select', { table: 'users', where: [{ expr: '0' }], one: true, limit: 1 });
  t.is(none.status, 404);
  // Go clients send null for omitted fields.
  const nulls = {
    alias: null,
    select: null,
    joins: null,
    group_by: null,
    order_by: null,
    limit: null,
    offset: null,
  };
  t.is((await post('select', { table: 'users', where: null, ...nulls })).json.count, 3);
});

test('find matches and returns 64-bit integers with all their digits', async (t) => {
  const { api, post } = await aShop();
  await post('exec', { sql: 'INSERT INTO users (id, name) VALUES (9007199254740993, ?)', args: ['Big'] });
  const found = await api.request('POST', '/v1/rqlite/find', {
    headers: { 'content-type': 'application/json' },
    body: '{"table": "users", "criteria": {"id": 9007199254740993}, "options": {"select": ["id"]}}',
  });
  t.is(found.text, '{"items":[{"id":9007199254740993}],"count":1}');
});

test('identifiers and expressions cannot inject SQL; invalid ones return 400', async (t) => {
  const { post } = await aShop();
  const t1 = { table: 'users' };
  const refused: [path: string, body: unknown, says: RegExp][] = [
    ['find', { table: 'users; DROP TABLE users' }, /^table /],
    ['find', { table: '"users"' }, /^table /],
    ['find', { table: '(SELECT * FROM posts)' }, /^table /],
    ['find', { table: 'json_each(1)' }, /^table /],
    ['find', { table: '' }, /^table /],
    ['find', {}, /^table is required/],
    ['find', { ...t1, criteria: { 'name = 1 OR 1': 1 } }, /^criteria must be a column's name/],
    ['find', { ...t1, criteria: { '1=1 --': 1 } }, /^criteria must be a column's name/],
    ['find', { ...t1, criteria: [] }, /^criteria must be a map/],
    ['find', { ...t1, criteria: { name: ['Ann'] } }, /Argument 1/],
    ['find', { ...t1, criteria: { nothing: 1 } }, /no such column: nothing/],
    ['find', { ...t1, order_by: ['id; DROP TABLE users'] }, /^order_by\[0\] /],
    ['find', { ...t1, order_by: ['(SELECT 1)'] }, /^order_by\[0\] /],
    ['find', { ...t1, options: { order_by: ['id UP'] } }, /^options\.order_by\[0\] /],
    ['find', { ...t1, group_by: ['id HAVING 1'] }, /^group_by\[0\] /],
    ['find', { ...t1, options: { where: [{ expr: 'id = 1' }] } }, /unknown key "options\.where"/],
    ['find', { ...t1, limit: -1 }, /^limit /],
    ['find', { ...t1, limit: '1; DROP TABLE users' }, /^limit /],
    ['find', { ...t1, select: ['* FROM posts --'] }, /^select\[0\]: /],
    ['find', { ...t1, select: ['id, name'] }, /^select\[0\]: /],
    ['find', { ...t1, select: ['?'] }, /^select\[0\] has a \?/],
    ['select', { ...t1, alias: 'u; DROP TABLE users' }, /^alias /],
    ['select', { ...t1, where: [{ expr: '1) UNION SELECT * FROM posts --' }] }, /^where\[0\]\.expr: /],
    ['select', { ...t1, where: [{ expr: '1; DROP TABLE users' }] }, /^where\[0\]\.expr: /],
    ['select', { ...t1, where: [{ expr: "load_extension('x')" }] }, /^where\[0\]\.expr: /],
    ['select', { ...t1, where: [{ expr: 'id = ?' }] }, /where\[0\]\.expr takes 1 arguments.* 0/],
    ['select', { ...t1, where: [{ expr: 'id = ?', args: [1, 2] }, { expr: 'id = ?' }] }, /where\[0\]/],
    ['select', { ...t1, where: [{ expr: 'id = 1', conj: 'AND 1 OR' }] }, /^where\[0\]\.conj must be/],
    ['select', { ...t1, joins: [{ kind: 'CROSS', table: 'posts', on: '1' }] }, /^joins\[0\]\.kind must be/],
    [
      'select',
      { ...t1, joins: [{ kind: 'LEFT', table: 'posts', on: '1) JOIN users ON (1' }] },
      /^joins\[0\]\.on: /,
    ],
    ['select', { ...t1, joins: [{ kind: 'LEFT', table: 'posts p', on: '1' }] }, /^joins\[0\]\.table /],
    [
      'select',
      { ...t1, joins: [{ kind: 'LEFT', table: 'posts', on: 'posts.id = ?' }] },
      /^joins\[0\]\.on has a \?/,
    ],
    ['select', { ...t1, having: 'x' }, /unknown key "having"/],
    ['transaction', { statements: ['SELECT 1; DROP TABLE users'] }, /Only one statement/],
    [
      'transaction',
      { statements: ['SELECT 1'], ops: [{ kind: 'exec', sql: 'SELECT 1' }] },
      /"ops" or "statements"/,
    ],
    ['transaction', { statements: [] }, /"ops" or "statements"/],
  ];
  for (const [path, body, says] of refused) {
    const reply = await post(path, body);
    t.is(reply.status, 400, `${path} ${JSON.stringify(body)}: ${reply.text}`);
    t.regex(reply.json.error, says, `${path} ${JSON.stringify(body)}`);
  }
  t.is((await post('find', { table: 'users' })).json.count, 3);
});

test('a criterion named __proto__ is used as a column name', async (t) => {
  const { api } = await aShop();
  for (const big of ['', ', "id": 9007199254740993']) {
    const reply = await api.request('POST', '/v1/rqlite/find', {
      headers: { 'content-type': 'application/json' },
      body: `{"table": "users", "criteria": {"__proto__": 1${big}}}`,
    });
    t.is(reply.status, 400, reply.text);
    t.regex(reply.json.error, /no such column: __proto__/);
  }
});

test('the statements of a transaction are all applied, or none if one of them fails', async (t) => {
  const { post } = await aShop();
  const done = await post('transaction', {
    statements: ['DELETE FROM posts', "UPDATE users SET name = 'X'"],
  });
  t.deepEqual(done.json, {
    results: [
      { rows_affected: 3, last_insert_id: done.json.results[0].last_insert_id },
      { rows_affected: 3, last_insert_id: done.json.results[1].last_insert_id },
    ],
  });
  const failed = await post('transaction', {
    statements: [
      'DELETE FROM users',
      'INSERT INTO posts VALUES (1, 1, 1)',
      'INSERT INTO posts VALUES (1, 1, 1)',
    ],
  });
  t.is(failed.status, 400);
  t.is((await post('find', { table: 'users' })).json.count, 3);
});

test('an offset beyond 2^53 returns 400', async (t) => {
  const api = await aTenant(await engine());
  const { status, json } = await api.request('POST', '/v1/rqlite/find', {
    headers: { 'content-type': 'application/json' },
    body: '{"table":"t","offset":9007199254740992}',
  });
  t.is(status, 400);
  t.regex(json.error, /offset/);
});
