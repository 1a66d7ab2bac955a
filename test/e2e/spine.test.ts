import test from 'ava';
import { ENDLESS_QUERY } from '../helpers/endless-query.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { until } from '../helpers/until.js';
import { aTenant, sharedEngine } from '../http/served.js';

// One engine for all tests, and a namespace for each.
const engine = sharedEngine();

test('a function is deployed and invoked, and its log record can be read', async (t) => {
  const api = await aTenant(await engine());
  const deployed = await api.deploy('probe', await probeWasm(), {
    memory_limit_mb: '64',
    timeout_seconds: '10',
  });
  t.is(deployed.status, 201, deployed.text);
  t.like(deployed.json.function, {
    name: 'probe',
    namespace: api.namespace,
    version: 1,
    memory_limit_mb: 64,
    status: 'active',
  });
  t.regex(deployed.json.function.wasm_cid, /^baf/);

  const reply = await api.invoke('probe', commands({ op: 'log', a: 'hello log' }, { op: 'echo', a: 'hi' }));
  t.is(reply.status, 200, reply.text);
  t.deepEqual(reply.json, { results: [null, 'hi'] });
  const id = reply.headers.get('x-request-id');
  t.truthy(id);
  t.is(reply.headers.get('x-attempts'), '1');
  t.is(reply.headers.get('x-function-version'), '1');

  const record = await until('the log record', async () => {
    const { json } = await api.get('/v1/functions/probe/logs');
    return json.logs[0];
  });
  t.like(record, {
    request_id: id,
    function: 'probe',
    version: 1,
    trigger: 'http',
    attempt: 1,
    status: 'success',
    error: null,
  });
  t.like(record.messages[0], { level: 'info', message: 'hello log' });
});

test('a published message runs the triggered function with an event envelope', async (t) => {
  const api = await aTenant(await engine());
  await api.deploy('probe', await probeWasm(), {
    metadata: JSON.stringify({ triggers: [{ topic: 'calls:*' }] }),
  });
  const published = await api.publish('calls:invite', { who: 'me' });
  t.is(published.status, 200);
  t.deepEqual(published.json, { status: 'ok', triggered: 1 });

  const record = await until('the log record', async () => {
    const { json } = await api.get('/v1/functions/probe/logs');
    return json.logs[0];
  });
  t.is(record.trigger, 'pubsub');
  const invocation = (await api.get(`/v1/invocations/${record.request_id}`)).json;
  const envelope = JSON.parse(invocation.output);
  t.like(envelope, {
    topic: 'calls:invite',
    data: { who: 'me' },
    namespace: api.namespace,
    trigger_depth: 1,
  });
  t.true(Math.abs(envelope.timestamp - Date.now() / 1000) < 300);
});

test('host functions use the env, secrets, database and cache of the namespace', async (t) => {
  const api = await aTenant(await engine());
  await api.put('/v1/functions/secrets', { name: 'TOKEN', value: 'open sesame' });
  await api.deploy('probe', await probeWasm(), {
    metadata: JSON.stringify({ env: { COLOUR: 'green' } }),
  });

  const reply = await api.invoke(
    'probe',
    commands(
      { op: 'env', a: 'COLOUR' },
      { op: 'env', a: 'ORAMA_ATTEMPT' },
      { op: 'secret', a: 'TOKEN' },
      { op: 'secret', a: 'ABSENT' },
      { op: 'wallet' },
      { op: 'execute', a: 'CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)', b: '[]' },
      { op: 'execute', a: 'INSERT INTO notes (body) VALUES (?), (?)', b: '["one","two"]' },
      { op: 'query', a: 'SELECT id, body FROM notes WHERE body = ?', b: '["two"]' },
      { op: 'query', a: 'DELETE FROM notes', b: '[]' },
      { op: 'cache_set', a: 'k', b: 'v', n: 0 },
      { op: 'cache_get', a: 'k' },
      { op: 'cache_incr', a: 'count', n: 5 },
      { op: 'cache_incr', a: 'count', n: -2 },
    ),
  );
  t.is(reply.status, 200, reply.text);
  t.deepEqual(reply.json.results, [
    'green',
    '1',
    'open sesame',
    '',
    '',
    0,
    2,
    [{ id: 2, body: 'two' }],
    null,
    null,
    'v',
    5,
    3,
  ]);
});

test('a blob can be read by the namespace that stored it and by no other', async (t) => {
  const api = await aTenant(await engine());
  const wasm = await probeWasm();
  await api.deploy('probe', wasm);
  const put = await api.invoke('probe', commands({ op: 'storage_put', a: 'my bytes' }));
  const [cid] = put.json.results;
  t.regex(cid, /^baf/);

  const other = await aTenant(await engine());
  await other.deploy('probe', wasm);
  const read = commands({ op: 'storage_get', a: cid });
  t.deepEqual((await api.invoke('probe', read)).json.results, ['my bytes']);
  t.deepEqual((await other.invoke('probe', read)).json.results, ['']);
});

test('a failing function is retried and its attempts are logged in order', async (t) => {
  const api = await aTenant(await engine());
  await api.deploy('probe', await probeWasm(), { retry_count: '3', retry_delay_seconds: '0' });
  const reply = await api.invoke('probe', commands({ op: 'exit_until_attempt', n: 3 }));
  t.is(reply.status, 200, reply.text);
  t.deepEqual(reply.json, { results: [3] });
  t.is(reply.headers.get('x-attempts'), '3');
  const logs = await until('three records', async () => {
    const { json } = await api.get('/v1/functions/probe/logs');
    return json.logs.length === 3 && json.logs;
  });
  t.deepEqual(
    logs.map((record: { attempt: number; status: string }) => [record.attempt, record.status]),
    [
      [3, 'success'],
      [2, 'error'],
      [1, 'error'],
    ],
  );
});

test('a function that exceeds its timeout is stopped and returns 504, and its log is kept', async (t) => {
  const api = await aTenant(await engine());
  await api.deploy('probe', await probeWasm(), { timeout_seconds: '4' });
  const reply = await api.invoke('probe', commands({ op: 'log', a: 'before' }, { op: 'spin' }));
  t.is(reply.status, 504, reply.text);
  t.like(reply.json, { status: 'timeout' });
  const record = await until('the log record', async () => {
    const { json } = await api.get('/v1/functions/probe/logs');
    return json.logs[0];
  });
  t.is(record.status, 'timeout');
  t.like(record.messages[0], { message: 'before' });
});

test('a function that exceeds its memory limit returns 500 with the limit in the error', async (t) => {
  const api = await aTenant(await engine());
  await api.deploy('probe', await probeWasm(), { memory_limit_mb: '32' });
  const reply = await api.invoke('probe', commands({ op: 'eat' }));
  t.is(reply.status, 500, reply.text);
  t.regex(reply.json.error, /memory limit of 32 MB exceeded/);
});

test('an endless SQL query is stopped at the timeout while other functions run', async (t) => {
  const api = await aTenant(await engine());
  const wasm = await probeWasm();
  await api.deploy('endless', wasm, { timeout_seconds: '2' });
  await api.deploy('quick', wasm);
  const endless = api.invoke('endless', commands({ op: 'query', a: ENDLESS_QUERY, b: '[]' }));
  for (let round = 0; round < 5; round += 1) {
    const reply = await api.invoke('quick', commands({ op: 'query', a: 'SELECT 1 AS one', b: '[]' }));
    t.deepEqual(reply.json, { results: [[{ one: 1 }]] }, reply.text);
  }
  t.is((await endless).status, 504);
});
