import test from 'ava';
import { commands } from '../helpers/probe.js';
import { aTenant, aTenantWithProbe, sharedEngine } from './served.js';
import { connect } from './socket.js';

const engine = sharedEngine();

test('the rqlite endpoints and the functions of a namespace use the same database', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const created = await api.post('/v1/rqlite/create-table', {
    schema: 'CREATE TABLE devices (id INTEGER PRIMARY KEY, token TEXT NOT NULL UNIQUE)',
  });
  t.is(created.status, 201, created.text);
  const inserted = await api.post('/v1/rqlite/exec', {
    sql: 'INSERT INTO devices (token) VALUES (?)',
    args: ["x'; DROP TABLE devices; --"],
  });
  t.deepEqual(inserted.json, { rows_affected: 1, last_insert_id: 1 });
  const seen = await api.invoke('probe', commands({ op: 'query', a: 'SELECT id FROM devices', b: '[]' }));
  t.deepEqual(seen.json, { results: [[{ id: 1 }]] });
  await api.invoke(
    'probe',
    commands({ op: 'execute', a: "INSERT INTO devices (token) VALUES ('f')", b: '[]' }),
  );
  const rows = await api.post('/v1/rqlite/query', { sql: 'SELECT token FROM devices ORDER BY id' });
  t.deepEqual(rows.json, { items: [{ token: "x'; DROP TABLE devices; --" }, { token: 'f' }], count: 2 });

  const both = await api.post('/v1/rqlite/transaction', {
    ops: [
      { kind: 'exec', sql: "INSERT INTO devices (token) VALUES ('t')" },
      { kind: 'query', sql: 'SELECT count(*) AS n FROM devices', args: [] },
    ],
    return_results: true,
  });
  t.is(both.status, 200, both.text);
  t.like(both.json.results[0], { rows_affected: 1 });
  t.deepEqual(both.json.results[1].items, [{ n: 3 }]);
  const failed = await api.post('/v1/rqlite/transaction', {
    ops: [
      { kind: 'exec', sql: "INSERT INTO devices (token) VALUES ('half')" },
      { kind: 'exec', sql: "INSERT INTO devices (token) VALUES ('t')" },
    ],
  });
  t.is(failed.status, 400);
  t.is(failed.json.code, 'invalid_sql');
  t.is((await api.post('/v1/rqlite/query', { sql: 'SELECT 1 FROM devices' })).json.count, 3);

  const schema = await api.get('/v1/rqlite/schema');
  t.like(schema.json.tables[0], { name: 'devices', type: 'table' });
  t.is((await api.post('/v1/rqlite/drop-table', { table: 'devices' })).status, 200);
  t.is((await api.get('/v1/rqlite/schema')).json.count, 0);
});

test('null as the arguments of a statement means none, over HTTP and in functions', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const sql = 'SELECT 1 AS n';
  t.deepEqual((await api.post('/v1/rqlite/query', { sql, args: null })).json.items, [{ n: 1 }]);
  const reply = await api.invoke(
    'probe',
    commands({ op: 'query', a: sql, b: 'null' }, { op: 'execute', a: 'CREATE TABLE t (n)', b: 'null' }),
  );
  t.deepEqual(reply.json, { results: [[{ n: 1 }], 0] });
});

test('64-bit integers keep all their digits over HTTP and in functions; larger integers return 400', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const [large, largest] = ['9007199254740993', '9223372036854775807'];
  await api.post('/v1/rqlite/create-table', { schema: 'CREATE TABLE n (id INTEGER PRIMARY KEY, a INTEGER)' });
  const post = (path: string, body: string) =>
    api.request('POST', `/v1/rqlite/${path}`, { headers: { 'content-type': 'application/json' }, body });
  const inserted = await post(
    'exec',
    `{"sql": "INSERT INTO n VALUES (?, ?)", "args": [${large}, "${largest}"]}`,
  );
  t.is(inserted.text, `{"rows_affected":1,"last_insert_id":${large}}`);
  const read = await post('query', `{"sql": "SELECT * FROM n WHERE id = ?", "args": [${large}]}`);
  t.is(read.text, `{"items":[{"id":${large},"a":${largest}}],"count":1}`);
  const both = await post(
    'transaction',
    `{"ops": [{"kind": "query", "sql": "SELECT ? AS x, ? AS x", "args": [${largest}, -1]}]}`,
  );
  t.is(both.text, `{"results":[{"items":[{"x":${largest},"x:2":-1}],"count":1}]}`);
  const seen = await api.invoke(
    'probe',
    commands({ op: 'query', a: 'SELECT id, ? AS b FROM n WHERE a = ?', b: `[-${large}, ${largest}]` }),
  );
  t.true(seen.text.includes(`{"id":${large},"b":-${large}}`), seen.text);
  const tooLarge = await post('query', '{"sql": "SELECT ?", "args": [9223372036854775808]}');
  t.is(tooLarge.status, 400);
  t.regex(tooLarge.json.error, /Argument 1 .*64 bits/);
});

test('SQL in names, several statements at once and statements that leave the database return 400', async (t) => {
  const api = await aTenant(await engine());
  await api.post('/v1/rqlite/create-table', { schema: 'CREATE TABLE kept (id INTEGER)' });
  const refused: [path: string, body: Record<string, unknown>][] = [
    ['drop-table', { table: 'kept"; DROP TABLE kept; --' }],
    ['drop-table', { table: '' }],
    ['create-table', { schema: 'DROP TABLE kept' }],
    ['create-table', { schema: 'CREATE TABLE a (b); DROP TABLE kept' }],
    ['query', { sql: 'DELETE FROM kept' }],
    ['query', { sql: 'SELECT 1; SELECT 2' }],
    ['query', { sql: 'INSERT INTO kept VALUES (1) RETURNING id' }],
    ['exec', { sql: "ATTACH '/etc/passwd' AS p" }],
    ['exec', { sql: 'PRAGMA journal_mode = delete' }],
    ['exec', { sql: "VACUUM INTO '/tmp/stolen'" }],
    ['exec', { sql: "SELECT load_extension('x')" }],
    ['query', { sql: 'SELECT * FROM nothing' }],
    ['query', { sql: 'SELECT ?', args: 'x' }],
    ['query', { sql: 'SELECT ?', args: [1, 2] }],
    ['query', { sql: "SELECT sha3_query('ATTACH ''x'' AS y')" }],
    ['query', { sql: `SELECT 1${';'.repeat(200_000)}` }],
    ['create-table', { schema: 'CREATE TEMP TABLE kept (id INTEGER)' }],
    ['exec', { sql: 'CREATE TABLE trigger(begin int); DROP TABLE kept; SELECT 1 END' }],
    ['query', {}],
  ];
  for (const [path, body] of refused) {
    const reply = await api.post(`/v1/rqlite/${path}`, body);
    t.is(reply.status, 400, `${path} ${JSON.stringify(body)}: ${reply.text}`);
  }
  t.is((await api.get('/v1/rqlite/schema')).json.count, 1);
});

test('files are stored, read, pinned and unpinned; CIDs of another namespace return 404', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const stranger = await aTenantWithProbe(await engine());
  const content = `a file of ${api.namespace}`;
  const form = new FormData();
  form.set('file', new Blob([content]), 'note.txt');
  const stored = await api.request('POST', '/v1/storage/upload', { body: form });
  t.is(stored.status, 200, stored.text);
  t.like(stored.json, { name: 'note.txt', size: content.length });
  const { cid } = stored.json;
  t.is((await api.get(`/v1/storage/get/${cid}`)).text, content);
  t.like((await api.get(`/v1/storage/status/${cid}`)).json, { cid, status: 'pinned', name: 'note.txt' });
  t.like((await api.get(`/v1/storage/status/${cid}`)).json, {
    replication_min: 1,
    replication_max: 1,
    replication_factor: 1,
    peers: ['local'],
  });
  t.deepEqual((await api.post('/v1/storage/pin', { cid })).json, { cid, name: 'note.txt' });
  t.deepEqual((await api.post('/v1/storage/pin', { cid, name: 'kept.txt' })).json, { cid, name: 'kept.txt' });
  t.is((await api.get(`/v1/storage/status/${cid}`)).json.name, 'kept.txt');
  t.deepEqual((await api.invoke('probe', commands({ op: 'storage_get', a: cid }))).json, {
    results: [content],
  });
  const made = await api.invoke('probe', commands({ op: 'storage_put', a: 'from a function' }));
  t.is((await api.get(`/v1/storage/get/${made.json.results[0]}`)).text, 'from a function');

  t.is((await stranger.get(`/v1/storage/get/${cid}`)).status, 404);
  t.is((await stranger.get(`/v1/storage/status/${cid}`)).status, 404);
  t.is((await stranger.post('/v1/storage/pin', { cid })).status, 404);
  t.is((await stranger.delete(`/v1/storage/unpin/${cid}`)).status, 404);
  t.deepEqual((await stranger.invoke('probe', commands({ op: 'storage_get', a: cid }))).json, {
    results: [''],
  });

  t.is((await api.delete(`/v1/storage/unpin/${cid}`)).status, 200);
  t.is((await api.get(`/v1/storage/get/${cid}`)).status, 404);
  t.is((await api.get('/v1/storage/get/..%2F..%2Fetc%2Fpasswd')).status, 400);
});

test('the database, cache and presence members of another namespace cannot be read or changed', async (t) => {
  const owner = await aTenant(await engine());
  const stranger = await aTenant(await engine());
  await owner.post('/v1/rqlite/create-table', { schema: 'CREATE TABLE own (id INTEGER)' });
  await owner.post('/v1/cache/put', { key: 'own', value: 1 });
  const member = await connect(owner.url, '/v1/pubsub/ws?topic=own&presence=true', {
    'x-api-key': owner.key,
  });
  t.is((await stranger.get('/v1/rqlite/schema')).json.count, 0);
  t.is((await stranger.post('/v1/rqlite/query', { sql: 'SELECT * FROM own' })).status, 400);
  for (const path of ['get', 'delete']) {
    t.is((await stranger.post(`/v1/cache/${path}`, { key: 'own' })).status, 404);
  }
  t.is((await stranger.post('/v1/cache/scan', {})).json.count, 0);
  for (const key of [`../${owner.namespace}/own`, `${owner.namespace}:own`]) {
    t.is((await stranger.post('/v1/cache/get', { key })).status, 404);
  }
  t.is((await stranger.get('/v1/pubsub/presence?topic=own')).json.count, 0);
  for (const path of ['/v1/rqlite/schema', '/v1/cache/health', '/v1/pubsub/topics']) {
    t.is((await stranger.get(`${path}?namespace=${owner.namespace}`)).status, 403, path);
  }
  t.is((await owner.post('/v1/cache/get', { key: 'own' })).json.value, 1);
  member.ws.close();
});
