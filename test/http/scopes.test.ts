import test from 'ava';
import type { Api, ApiReply } from '../helpers/api.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { until } from '../helpers/until.js';
import { limited } from './limited-key.js';
import { aTenant, aTenantWithProbe, sharedEngine } from './served.js';
import { connect, refusedUpgrade } from './socket.js';

const engine = sharedEngine();

/** One request per scope. `self` is separate, as any credential may request it. */
const REQUESTS: Record<string, (api: Api) => Promise<ApiReply>> = {
  invoke: (api) => api.invoke('probe', commands()),
  publish: (api) => api.publish('a', 1),
  read: (api) => api.get('/v1/functions/probe/logs'),
  deploy: async (api) => api.deploy('probe', await probeWasm()),
  secrets: (api) => api.put('/v1/functions/secrets', { name: 'A', value: 'b' }),
  data: (api) => api.post('/v1/cache/put', { key: 'a', value: 1 }),
  keys: (api) => api.post('/v1/auth/keys', { name: 'x' }),
};

for (const scope of Object.keys(REQUESTS)) {
  test(`a key with the scope ${scope} gets 403 for all other requests, with the missing scope in the error`, async (t) => {
    const tenant = await aTenantWithProbe(await engine());
    const key = await limited(tenant, { scopes: [scope] });
    for (const [needed, ask] of Object.entries(REQUESTS)) {
      const { status, json, text } = await ask(key);
      if (needed === scope) {
        t.true(status < 300, text);
        continue;
      }
      t.is(status, 403, needed);
      t.is(json.code, 'insufficient_scope');
      t.true(json.error.includes(`"${needed}"`), json.error);
    }
    t.deepEqual((await key.get('/v1/auth/whoami')).json.scopes, [scope]);
  });
}

test('invalid scopes, functions or expiry of a new key return 400 and create no key', async (t) => {
  const tenant = await aTenantWithProbe(await engine());
  const wrong: [object, RegExp][] = [
    [{ scopes: [] }, /scopes must hold at least one scope/],
    [{ scopes: ['reed'] }, /scopes\[0\] must be "invoke" or "publish" or/],
    [{ scopes: 'read' }, /scopes must be a list/],
    [{ scopes: null }, /scopes must be a list/],
    [{ scope: ['read'] }, /unknown key "scope"/],
    [{ functions: [] }, /functions must hold at least one/],
    [{ functions: ['a b'] }, /functions\[0\] must be a function's name or a pattern/],
    [{ expires_at: new Date(Date.now() - 1000).toISOString() }, /expires_at must be in the future/],
    [{ expires_at: 'tomorrow' }, /expires_at must be a time such as/],
    [{ expires_at: Date.now() + 60_000 }, /expires_at must be/],
    [{ expires: '2099-01-01T00:00:00Z' }, /unknown key "expires"/],
  ];
  for (const [limits, sentence] of wrong) {
    const { status, json } = await tenant.post('/v1/auth/keys', { name: 'x', ...limits });
    t.is(status, 400, JSON.stringify(limits));
    t.regex(json.error, sentence);
  }
  t.is((await tenant.get('/v1/auth/keys')).json.count, 1, 'the key of the tenant itself');
});

test('a key limited to some functions cannot see, run or change other functions', async (t) => {
  const tenant = await aTenantWithProbe(await engine());
  await tenant.deploy('hook-a', await probeWasm());
  await tenant.post('/v1/functions/probe/triggers', { topic: 'of:probe' });
  const trigger = await tenant.post('/v1/functions/hook-a/triggers', { topic: 'of:hook' });
  t.is(trigger.status, 201);
  const other = await tenant.invoke('probe', commands());
  const own = await tenant.invoke('hook-a', commands());
  const [otherId, ownId] = [other, own].map(({ headers }) => headers.get('x-request-id'));
  const key = await limited(tenant, { functions: ['hook-*'] });

  const refused: [string, Promise<ApiReply>][] = [
    ['invoke', key.invoke('probe', commands())],
    ['an old version', key.invoke('probe@1', commands())],
    ['async', key.invoke('probe', commands(), { prefer: 'respond-async' })],
    ['deploy', key.deploy('probe', await probeWasm())],
    ['deploy a new one', key.deploy('mine', await probeWasm())],
    ['show', key.get('/v1/functions/probe')],
    ['versions', key.get('/v1/functions/probe/versions')],
    ['logs', key.get('/v1/functions/probe/logs')],
    ['follow', key.get('/v1/functions/probe/logs?follow=true')],
    ['triggers', key.get('/v1/functions/probe/triggers')],
    ['add a trigger', key.post('/v1/functions/probe/triggers', { topic: 'x' })],
    ['delete', key.delete('/v1/functions/probe')],
    ['rollback', key.post('/v1/functions/probe/rollback', { version: 1 })],
    ['invocation', key.get(`/v1/invocations/${otherId}`)],
    ['cancel', key.delete(`/v1/invocations/${otherId}`)],
    ['replay', key.post(`/v1/invocations/${otherId}/replay`, {})],
    ['replay all', key.post('/v1/functions/probe/dead/replay', {})],
    ['purge', key.delete('/v1/functions/probe/dead')],
    ['list of one', key.get('/v1/invocations?function=probe')],
    ['by namespace', key.request('POST', `/v1/invoke/${tenant.namespace}/probe`, { body: commands() })],
    ['a key for it', key.post('/v1/auth/keys', { name: 'x', functions: ['probe'] })],
    ['a key for all', key.post('/v1/auth/keys', { name: 'x', functions: ['*'] })],
  ];
  for (const [what, reply] of refused) {
    const { status, json, text } = await reply;
    t.is(status, 403, `${what}: ${text}`);
    t.is(json.code, 'insufficient_scope', what);
  }
  const { json: shown } = await key.get('/v1/functions/probe');
  t.regex(shown.error, /Use a key that reaches "probe", or make one with "orama keys create --functions"\.$/);
  const ws = await refusedUpgrade(key.url, `/v1/functions/probe/ws?api_key=${key.key}`);
  t.is(ws.status, 403);
  t.is(ws.json.code, 'insufficient_scope');

  t.is((await key.invoke('hook-a', commands())).status, 200);
  t.is((await key.deploy('hook-b', await probeWasm())).status, 201);
  t.is((await key.get(`/v1/invocations/${ownId}`)).status, 200);
  const names = (list: { name: string }[]) => list.map(({ name }) => name);
  t.deepEqual(names((await key.get('/v1/functions')).json.functions), ['hook-a', 'hook-b']);
  const listed = (await key.get('/v1/invocations')).json.invocations;
  t.deepEqual([...new Set(listed.map((one: { function: string }) => one.function))], ['hook-a']);
  t.deepEqual((await key.get('/v1/pubsub/topics')).json.topics, ['of:hook']);
});

test('sockets need the scope read to subscribe, publish to send and invoke to call a function', async (t) => {
  const tenant = await aTenantWithProbe(await engine());
  const invoke = await limited(tenant, { scopes: ['invoke'] });
  const read = await limited(tenant, { scopes: ['read'] });
  const topic = (key: Api) => `/v1/pubsub/ws?topic=a&api_key=${key.key}`;
  const calls = (key: Api, more = '') => `/v1/functions/probe/ws?api_key=${key.key}${more}`;
  for (const path of [topic(invoke), calls(read), calls(invoke, '&logs=true')]) {
    const { status, json } = await refusedUpgrade(tenant.url, path);
    t.is(status, 403, path);
    t.is(json.code, 'insufficient_scope');
  }
  const listener = await connect(tenant.url, topic(read));
  listener.ws.send('hello');
  const refusal = await listener.next('the refusal', (frame) => frame.code !== undefined);
  t.is(refusal.code, 'insufficient_scope');
  t.regex(refusal.error, /"publish"/);
  await tenant.publish('a', 'from elsewhere');
  await listener.next('a message', (frame) => frame.topic === 'a');
  t.is(
    listener.frames.filter((frame) => frame.topic === 'a').length,
    1,
    'the refused message was not published',
  );
  listener.ws.close();
  const caller = await connect(tenant.url, calls(invoke));
  caller.ws.send(commands());
  t.is((await caller.next('a reply', (frame) => frame.status !== undefined)).status, 'success');
  caller.ws.close();
});

test('a socket is closed with 1008 when its key expires', async (t) => {
  const tenant = await aTenantWithProbe(await engine());
  const key = await limited(tenant, { expires_at: new Date(Date.now() + 5000).toISOString() });
  const client = await connect(tenant.url, `/v1/pubsub/ws?topic=a&api_key=${key.key}`);
  t.is((await client.closed).code, 1008);
  t.is((await key.get('/v1/functions')).status, 401);
});

test('the OpenAPI document and the docs page state the required scope of a route', async (t) => {
  const { api } = await engine();
  const { paths } = (await api.get('/openapi.json')).json;
  const scopeOf = (method: string, path: string) => paths[path][method]['x-required-scope'];
  t.is(scopeOf('post', '/v1/functions'), 'deploy');
  t.is(scopeOf('get', '/v1/audit'), 'keys');
  t.is(scopeOf('post', '/v1/rqlite/query'), 'data');
  t.is(scopeOf('get', '/v1/functions/{name}/ws'), 'invoke');
  t.is(scopeOf('get', '/v1/auth/whoami'), undefined);
  t.regex((await api.get('/docs')).text, /A key needs the scope <code>deploy<\/code>/);
});

test('X-Callback-Url and X-Delay-Seconds on a public function return 401 or 403 without its credential', async (t) => {
  const tenant = await aTenantWithProbe(await engine(), { is_public: 'true' });
  const anybody = tenant.as();
  const stranger = await aTenant(await engine());
  const path = `/v1/invoke/${tenant.namespace}/probe`;
  const ask = (headers: Record<string, string>) =>
    anybody.request('POST', path, { headers: { prefer: 'respond-async', ...headers }, body: commands() });
  t.is((await ask({})).status, 202);
  for (const [header, value] of [
    ['X-Callback-Url', 'https://example.com/'],
    ['X-Delay-Seconds', '5'],
    ['X-Delay-Seconds', '0'],
  ] as const) {
    const { status, json } = await ask({ [header]: value });
    t.is(status, 401, header);
    t.true(json.error.includes(header), json.error);
    // Nor with the credential of another namespace: the owner's secret signs, its quota counts.
    const headers = { prefer: 'respond-async', [header]: value };
    const theirs = await stranger.request('POST', path, { headers, body: commands() });
    t.is(theirs.status, 403, header);
    t.true(theirs.json.error.includes(header), theirs.json.error);
  }
  const theirs = await stranger.request('POST', path, {
    headers: { prefer: 'respond-async' },
    body: commands(),
  });
  t.is(theirs.status, 202);
});

test('anonymous sockets of a public function receive no log lines, and logs=true returns 401', async (t) => {
  const tenant = await aTenantWithProbe(await engine(), { is_public: 'true' });
  const path = `/v1/functions/probe/ws?namespace=${tenant.namespace}`;
  t.is((await refusedUpgrade(tenant.url, `${path}&logs=true`)).status, 401);
  const anybody = await connect(tenant.url, path);
  anybody.ws.send(commands({ op: 'log', a: 'private' }));
  t.is((await anybody.next('the reply', (frame) => frame.status !== undefined)).status, 'success');
  t.false(JSON.stringify(anybody.frames).includes('private'));
  anybody.ws.close();
});

test('concurrent requests for metrics share a text only between keys that may read the same functions', async (t) => {
  const api = await aTenantWithProbe(await engine());
  await api.invoke('probe', commands({ op: 'exit', n: 1 }), { prefer: 'respond-async' });
  await until('the dead letter', async () => (await api.get('/v1/dead')).json.count === 1);
  const key = await limited(api, { functions: ['*'] });
  const keys = [api, key, api, key, api, key];
  const texts = await Promise.all(keys.map(async (each) => (await each.get('/metrics')).text));
  t.deepEqual(
    texts.map((text) => text.includes('orama_dead_letters{')),
    keys.map((each) => each === api),
    'they belong to all functions, also to those that were deleted',
  );
});

test('a key without the scope read gets the status that anybody gets, and no metrics', async (t) => {
  const tenant = await aTenant(await engine());
  const key = await limited(tenant, { scopes: ['invoke'] });
  const status = await key.get('/v1/status');
  t.is(status.status, 200, status.text);
  t.deepEqual(Object.keys(status.json), Object.keys((await tenant.as().get('/v1/status')).json));
  t.true('uptime_seconds' in (await tenant.get('/v1/status')).json);
  const metrics = await key.get('/metrics');
  t.is(metrics.status, 403);
  t.is(metrics.json.code, 'insufficient_scope');
});

test('metrics contain only the namespace and functions of the key, and all namespaces for the admin key', async (t) => {
  const one = await aTenantWithProbe(await engine());
  const other = await aTenantWithProbe(await engine());
  for (const tenant of [one, other]) {
    await tenant.deploy('hook-a', await probeWasm());
    await tenant.invoke('probe', commands());
    await tenant.invoke('hook-a', commands());
  }
  const namespaces = (text: string) =>
    new Set(Array.from(text.matchAll(/namespace="([^"]+)"/g), ([, name]) => name));
  const own = await one.get('/metrics');
  t.is(own.status, 200);
  t.deepEqual([...namespaces(own.text)], [one.namespace]);
  t.regex(own.text, /orama_attempt_duration_seconds_count\{[^}]*function="probe"/);
  t.false(/^(orama_queue|process_|nodejs_)/m.test(own.text), 'engine metrics are hidden from tenants');
  const key = await limited(one, { functions: ['hook-*'] });
  const { text } = await key.get('/metrics');
  t.regex(text, /function="hook-a"/);
  t.false(text.includes('function="probe"'));
  const all = await (await engine()).api.get('/metrics');
  t.true(namespaces(all.text).has(one.namespace) && namespaces(all.text).has(other.namespace));
  t.regex(all.text, /^orama_queue_depth/m);
});
