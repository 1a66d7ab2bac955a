import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { uuidv7 } from '../../src/uuid.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { until } from '../helpers/until.js';
import { assemble } from '../helpers/wat.js';
import { aTenant, aTenantWithProbe, sharedEngine } from './served.js';

const engine = sharedEngine();

test('a version records the message and git commit of its deployment or rollback; invalid ones return 400', async (t) => {
  const api = await aTenant(await engine());
  const git_commit = `${'0123456789abcdef'.repeat(2)}01234567`;
  const wasm = await probeWasm();
  t.is((await api.deploy('told', wasm, { message: 'First – ä', git_commit })).status, 201);
  t.is((await api.deploy('told', wasm, { git_commit: `${git_commit.slice(0, 7)}-dirty` })).status, 201);
  t.is((await api.deploy('told', wasm)).status, 201);
  t.is((await api.post('/v1/functions/told/rollback', { version: 1 })).status, 201);
  const { json } = await api.get('/v1/functions/told/versions');
  t.deepEqual(
    json.versions.map((one: { message: unknown; git_commit: unknown }) => [one.message, one.git_commit]),
    [
      ['Rollback to version 1', git_commit],
      [null, null],
      [null, '0123456-dirty'],
      ['First – ä', git_commit],
    ],
  );
  for (const [field, value] of [
    ['message', 'two\nlines'],
    ['message', ' '],
    ['message', 'x'.repeat(501)],
    ['git_commit', 'main'],
    ['git_commit', '0123456-changed'],
  ] as const) {
    const refused = await api.deploy('told', wasm, { [field]: value });
    t.is(refused.status, 400, value);
    t.regex(refused.json.error, new RegExp(`^${field} must `));
  }
});

test('the module of a deleted function is deleted unless another function has it', async (t) => {
  const served = await engine();
  const [api, other] = [await aTenant(served), await aTenant(served)];
  // A module of this test alone.
  const wasm = await assemble(
    `(module (memory (export "memory") 1) (func (export "_start")) (data (i32.const 0) "${uuidv7()}"))`,
  );
  const deployed = await api.deploy('one', wasm);
  t.is(deployed.status, 201, deployed.text);
  t.is((await other.deploy('two', wasm)).status, 201);
  const { wasm_cid: cid } = deployed.json.function;
  const file = join(served.dataDir, 'blobs', cid);
  t.true(existsSync(file));

  t.is((await api.delete('/v1/functions/one')).status, 200);
  t.is((await other.post('/v1/functions/two/rollback', { version: 1 })).status, 201);
  t.true(existsSync(file));
  t.is((await other.delete('/v1/functions/two')).status, 200);
  await until('the module is gone', () => !existsSync(file));

  t.is((await api.deploy('one', wasm)).status, 201);
  t.true(existsSync(file));
  t.is((await api.invoke('one', '')).status, 200);
});

test('a function is deployed, shown, listed, rolled back and deleted', async (t) => {
  const api = await aTenant(await engine());
  const first = await api.deploy('one', await probeWasm(), { memory_limit_mb: '32' });
  t.is(first.status, 201, first.text);
  t.is(typeof first.json.message, 'string');
  t.deepEqual(Object.keys(first.json.function).sort(), [
    'created_at',
    'created_by',
    'created_by_name',
    'git_commit',
    'id',
    'is_public',
    'memory_limit_mb',
    'message',
    'name',
    'namespace',
    'retry_count',
    'retry_delay_seconds',
    'status',
    'timeout_seconds',
    'updated_at',
    'version',
    'warm_start',
    'warm_start_reason',
    'wasm_cid',
  ]);
  const second = await api.deploy('one', await probeWasm());
  t.is(second.json.function.version, 2);
  t.is(second.json.function.wasm_cid, first.json.function.wasm_cid);

  const list = await api.get('/v1/functions');
  t.like(list.json, { count: 1 });
  t.is(list.json.functions[0].version, 2);
  t.is((await api.get('/v1/functions/one@1')).json.memory_limit_mb, 32);
  t.is((await api.get('/v1/functions/one%401')).json.version, 1);
  t.is((await api.get('/v1/functions/one@3')).status, 404);

  const back = await api.post('/v1/functions/one/rollback', { version: 1 });
  t.is(back.status, 201);
  t.like(back.json.function, { version: 3, memory_limit_mb: 32 });
  t.is((await api.post('/v1/functions/one/rollback', { version: 9 })).status, 404);
  const versions = await api.get('/v1/functions/one/versions');
  t.deepEqual(
    versions.json.versions.map(({ version }: { version: number }) => version),
    [3, 2, 1],
  );

  t.is(typeof (await api.delete('/v1/functions/one')).json.message, 'string');
  t.is((await api.get('/v1/functions/one')).status, 404);
  t.is((await api.delete('/v1/functions/one')).status, 404);
  t.is((await api.deploy('one', await probeWasm())).json.function.version, 4);
});

test('the ETag of a function changes with each version, and a request with the current ETag returns 304', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const first = await api.get('/v1/functions/probe');
  const etag = first.headers.get('etag') ?? '';
  t.not(etag, '');
  const same = await api.get('/v1/functions/probe', { 'if-none-match': etag });
  t.is(same.status, 304);
  t.is(same.text, '');
  // Caches take over the headers of a 304 (RFC 9111 §3.2).
  t.is(same.headers.get('vary'), first.headers.get('vary'));
  t.regex(same.headers.get('vary') ?? '', /Accept-Encoding/);
  await api.deploy('probe', await probeWasm());
  t.is((await api.get('/v1/functions/probe', { 'if-none-match': etag })).status, 200);
});

test('JSON replies have the content type application/json without parameters, compressed ones and errors too', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const replies = [
    await api.invoke('probe', commands({ op: 'echo', a: 'x' })),
    await api.invoke('probe', commands({ op: 'echo', a: 'x' }), { prefer: 'respond-async' }),
    await api.invoke('nope', ''),
    await api.get('/v1/functions'),
    await api.get('/v1/nope'),
    await api.get('/openapi.json'),
  ];
  t.deepEqual(
    replies.map(({ status, headers }) => [status, headers.get('content-type')]),
    [200, 202, 404, 200, 404, 200].map((status) => [status, 'application/json']),
  );
  t.is(replies.at(-1)?.headers.get('content-encoding'), 'gzip');
});

test('unknown paths return 404, unsupported methods 405 with Allow, and OPTIONS lists the methods', async (t) => {
  const { api } = await engine();
  for (const path of ['/', '/v1', '/v1/nothing', '/v2/functions', '//v1/functions']) {
    const absent = await api.get(path);
    t.is(absent.status, 404, path);
    t.is(absent.json.code, 'not_found', path);
  }
  const wrong = await api.request('PATCH', '/v1/functions');
  t.is(wrong.status, 405);
  t.is(wrong.headers.get('allow'), 'GET, HEAD, OPTIONS, POST');
  t.is((await api.get('/v1/pubsub/publish')).status, 405);
  const options = await api.request('OPTIONS', '/v1/functions/secrets');
  t.is(options.status, 204);
  t.regex(options.headers.get('allow') ?? '', /PUT/);
  const head = await api.request('HEAD', '/v1/functions');
  t.is(head.status, 200);
  t.is(head.text, '');
});

test('secrets are set, listed without their values, and deleted', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const set = await api.put('/v1/functions/secrets', { name: 'TOKEN', value: 'very-secret' });
  t.is(set.status, 200);
  t.like(set.json, { name: 'TOKEN' });
  const list = await api.get('/v1/functions/secrets');
  t.is(list.json.count, 1);
  t.deepEqual(Object.keys(list.json.secrets[0]).sort(), ['created_at', 'name', 'updated_at']);
  t.deepEqual((await api.invoke('probe', commands({ op: 'secret', a: 'TOKEN' }))).json, {
    results: ['very-secret'],
  });
  t.is((await api.delete('/v1/functions/secrets/TOKEN')).status, 200);
  t.is((await api.delete('/v1/functions/secrets/TOKEN')).status, 404);
});

test('triggers are added, listed and deleted', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const topic = await api.post('/v1/functions/probe/triggers', { topic: 'a:*' });
  t.is(topic.status, 201, topic.text);
  t.like(topic.json.trigger, { function: 'probe', topic: 'a:*', enabled: true });
  const cron = await api.post('/v1/functions/probe/triggers', {
    cron: '0 3 * * *',
    timezone: 'Europe/Berlin',
  });
  t.is(cron.status, 201, cron.text);
  t.like(cron.json.trigger, { cron: '0 3 * * *', timezone: 'Europe/Berlin', enabled: true });
  t.regex(cron.json.trigger.next_run_at, /^20\d\d-.*Z$/);
  t.is((await api.get('/v1/functions/probe/triggers')).json.count, 2);
  t.deepEqual((await api.get('/v1/pubsub/topics')).json, { topics: ['a:*'] });
  for (const wrong of [
    {},
    { topic: '' },
    { topic: 'a b' },
    { cron: 'x' },
    { topic: 'a', cron: '* * * * *' },
  ]) {
    t.is((await api.post('/v1/functions/probe/triggers', wrong)).status, 400, JSON.stringify(wrong));
  }
  t.is((await api.post('/v1/functions/none/triggers', { topic: 'a' })).status, 404);
  const { id } = topic.json.trigger;
  t.is((await api.delete(`/v1/functions/probe/triggers/${id}`)).status, 200);
  t.is((await api.delete(`/v1/functions/probe/triggers/${id}`)).status, 404);
});

test('health, version and status are public; metrics and queue details need a credential', async (t) => {
  const { api } = await engine();
  const anonymous = api.as();
  for (const path of ['/health', '/v1/health']) {
    // A dependency that a busy machine delays is down for a moment.
    const health = await until(`${path} is 200`, async () => {
      const reply = await anonymous.get(path);
      return reply.status === 200 && reply;
    });
    t.like(health.json, { status: 'ok' });
    t.deepEqual(health.json.dependencies.store, { status: 'up' });
  }
  t.is(typeof (await anonymous.get('/v1/version')).json.version, 'string');
  t.is((await anonymous.get('/v1/status')).json.dependencies, undefined);
  t.truthy((await api.get('/v1/status')).json.queue);
  t.is((await anonymous.get('/metrics')).status, 401);
  const metrics = await api.get('/metrics');
  t.is(metrics.status, 200);
  // Scrapers tell the format by the version, in compressed replies too.
  t.is(metrics.headers.get('content-encoding'), 'gzip');
  t.is(metrics.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  t.regex(metrics.text, /^# HELP /m);
});
