import { createHmac } from 'node:crypto';
import test from 'ava';
import { httpGuest } from '../helpers/http-guest.js';
import { aTenant, sharedEngine } from './served.js';
import { replying, servedFunctions } from './served-functions.js';
import { refusedUpgrade } from './socket.js';

const engine = sharedEngine();
const served = async (functions: Record<string, object>, fields: Record<string, string> = {}) =>
  servedFunctions(await engine(), functions, fields);

test('a private function needs a key of its namespace, and does not receive that key', async (t) => {
  const { call, tenant, running } = await served({ hello: {} }, { is_public: 'false' });
  t.is((await call('/hello')).status, 401);
  const stranger = await aTenant(running);
  t.is((await call('/hello', { headers: { 'x-api-key': stranger.key } })).status, 404);
  const own = await call('/hello', { headers: { 'x-api-key': tenant.key, authorization: 'Basic abc' } });
  t.is(own.status, 200);
  t.is(own.json.request.headers['x-api-key'], undefined, "the engine's credential is taken out");
  t.is(own.json.request.headers.authorization, 'Basic abc', "another server's credential is not");
  const bearer = await call('/hello', { headers: { authorization: `Bearer ${tenant.key}` } });
  t.is(bearer.status, 200);
  t.is(bearer.json.request.headers.authorization, undefined);
});

test('CORS headers follow the cors settings of the function', async (t) => {
  const origin = 'https://app.example.com';
  const { call } = await served({
    hello: { methods: ['POST'], cors: { origins: [origin], credentials: true } },
  });
  const preflight = await call('/hello', {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-own' },
  });
  t.is(preflight.status, 204);
  t.is(preflight.headers.get('access-control-allow-origin'), origin);
  t.is(preflight.headers.get('access-control-allow-credentials'), 'true');
  t.is(preflight.headers.get('access-control-allow-headers'), 'x-own');
  const stranger = await call('/hello', { method: 'POST', headers: { origin: 'https://evil.example' } });
  t.is(stranger.headers.get('access-control-allow-origin'), null);
  const own = await call('/hello', { method: 'POST', headers: { origin } });
  t.is(own.headers.get('access-control-allow-origin'), origin);
});

test('an async function returns 202, and requests with the same idempotency header share one invocation', async (t) => {
  const { call, tenant } = await served({ hook: { mode: 'async', idempotency: 'X-Delivery' } });
  const send = () => call('/hook', { method: 'POST', headers: { 'x-delivery': 'one' }, body: '{"a":1}' });
  const [first, second] = await Promise.all([send(), send()]);
  t.is(first.status, 202);
  t.like(first.json, { status: 'queued', request_id: second.json.request_id });
  const other = await call('/hook', { method: 'POST', headers: { 'x-delivery': 'two' }, body: '{"a":1}' });
  t.not(other.json.request_id, first.json.request_id);
  t.is((await tenant.get(`/v1/invocations/${first.json.request_id}`)).status, 200);
});

test('an unsigned or wrongly signed request returns 401 and starts no invocation', async (t) => {
  const { call, tenant } = await served({
    hook: { mode: 'async', verify: { scheme: 'github', secret: 'NEW, OLD' } },
  });
  const send = (signature?: string) =>
    call('/hook', {
      method: 'POST',
      headers: signature === undefined ? {} : { 'x-hub-signature-256': signature },
      body: 'payload',
    });
  const missing = await send('sha256=00');
  t.is(missing.status, 500);
  t.is(missing.json.code, 'misconfigured');
  await tenant.put('/v1/functions/secrets', { name: 'OLD', value: 'old secret' });
  const sign = (secret: string) => `sha256=${createHmac('sha256', secret).update('payload').digest('hex')}`;
  for (const wrong of [
    undefined,
    '',
    'sha256=',
    'sha256=zz',
    sign('another'),
    sign('old secret').slice(0, -2),
  ]) {
    const { status, json } = await send(wrong);
    t.is(status, 401, String(wrong));
    t.is(json.code, 'signature_invalid');
  }
  t.is((await tenant.get('/v1/invocations')).json.count, 0);
  t.is((await send(sign('old secret'))).status, 202);
  await tenant.put('/v1/functions/secrets', { name: 'NEW', value: 'new secret' });
  t.is((await send(sign('new secret'))).status, 202);
  t.is((await send(sign('old secret'))).status, 202, 'both secrets are valid during a rotation');
});

test('a function for anybody runs for a caller whose key this engine does not know', async (t) => {
  const { call, tenant } = await served({ hello: {}, closed: { auth: 'key' } });
  const made = await tenant.post('/v1/auth/keys', { name: 'gone' });
  t.is((await tenant.delete(`/v1/auth/keys/${made.json.id}`)).status, 200);
  for (const key of ['a-key-of-another-system', String(made.json.api_key), 'a.b.c']) {
    const { status, json, headers } = await call('/hello', { headers: { 'x-api-key': key } });
    t.is(status, 200, key);
    t.is(json.request.headers['x-api-key'], undefined);
    t.is(headers.get('x-orama-route'), null);
    t.is((await call('/closed', { headers: { 'x-api-key': key } })).status, 401, key);
  }
});

test('auth: key accepts keys with the scope invoke for the function; other keys return 403', async (t) => {
  const { tenant, call } = await served({ 'hook-a': { auth: 'key' }, other: { auth: 'key' } });
  const keyWith = async (limits: object) => {
    const { json } = await tenant.post('/v1/auth/keys', { name: 'limited', ...limits });
    return { headers: { 'x-api-key': String(json.api_key) } };
  };
  const hooks = await keyWith({ scopes: ['invoke'], functions: ['hook-*'] });
  const read = await keyWith({ scopes: ['read'] });
  t.true((await call('/hook-a', hooks)).status < 300);
  for (const [path, init] of [
    ['/other', hooks],
    ['/hook-a', read],
  ] as const) {
    const { status, json } = await call(path, init);
    t.is(status, 403, path);
    t.is(json.code, 'insufficient_scope');
  }
});

test('a deploy key for some functions cannot give them routes at the own address of another', async (t) => {
  const { tenant } = await served({ echo: {} });
  const key = await tenant.post('/v1/auth/keys', { name: 'k', scopes: ['deploy'], functions: ['mine*'] });
  const deploy = async (key: string, route: string, fields = {}) => {
    const metadata = JSON.stringify({ http: { routes: [route] } });
    return tenant.as(key).deploy('mine', await httpGuest(), { metadata, ...fields });
  };
  for (const route of ['POST /echo', 'GET /echo/{id}', 'GET /echo@1', 'GET /{any}', 'GET /{path...}']) {
    const { status, json } = await deploy(key.json.api_key, route);
    t.is(status, 403, route);
    t.is(json.code, 'insufficient_scope', route);
    t.regex(json.error, /would take requests from function "echo"/, route);
  }
  t.is((await deploy(key.json.api_key, 'POST /echoes')).status, 201);
  t.is((await deploy(key.json.api_key, 'POST /mine2/{id}')).status, 201);
  t.is((await deploy(tenant.key, 'POST /echo')).status, 201, 'a key without a limit');
});

test('a deploy key for some functions cannot make a version live again whose route another function was given meanwhile as its own address', async (t) => {
  const { tenant, deploy } = await served({});
  const made = await tenant.post('/v1/auth/keys', { name: 'k', scopes: ['deploy'], functions: ['mine'] });
  const key = tenant.as(made.json.api_key);
  const version = async (http: object) => {
    const metadata = JSON.stringify({ http });
    t.is((await key.deploy('mine', await httpGuest(), { metadata })).status, 201);
  };
  await version({});
  await version({ routes: ['POST /echo'] });
  const alias = '/v1/functions/mine/aliases/live';
  t.is((await tenant.put(alias, { version: 1 })).status, 200);
  await deploy('echo', {});
  const attempts = {
    'the alias live': () => key.put(alias, { version: 2 }),
    'its weights': () => key.put(alias, { version: 1, weights: { 2: 10 } }),
    'its removal': () => key.delete(alias),
    'a rollout': () => key.post('/v1/functions/mine/rollout', { to: 2 }),
    'a rollback': () => key.post('/v1/functions/mine/rollback', { version: 2 }),
  };
  for (const [what, attempt] of Object.entries(attempts)) {
    const { status, json } = await attempt();
    t.is(status, 403, what);
    t.regex(json.error, /would take requests from function "echo"/, what);
  }
  t.is((await key.put('/v1/functions/mine/aliases/beta', { version: 2 })).status, 200, 'has no routes');
  t.is((await tenant.put(alias, { version: 2 })).status, 200, 'a key without a limit');
  t.is((await key.put(alias, { version: 1 })).status, 200);
});

test('a function with verify cannot be invoked through the API without a credential of its namespace', async (t) => {
  const { call, deploy, tenant, running } = await served({
    hook: {},
    plain: {},
  });
  await deploy('hook', { verify: { scheme: 'github', secret: 'S' } });
  await tenant.put('/v1/functions/secrets', { name: 'S', value: 'secret' });
  const invoke = (api: Pick<typeof tenant, 'request'>, ref: string) =>
    api.request('POST', `/v1/invoke/${tenant.namespace}/${ref}`, { body: 'forged' });
  const anonymous = tenant.as();
  for (const ref of ['hook', 'hook@2', 'hook@1']) {
    const { status, json } = await invoke(anonymous, ref);
    t.is(status, 401, ref);
    t.is(json.code, 'unauthorized');
    t.regex(json.error, /verify/);
    t.true(json.error.includes(`${running.functionsUrl}/${tenant.namespace}/hook`), json.error);
  }
  const stranger = await invoke(await aTenant(running), 'hook');
  t.is(stranger.status, 403, stranger.text);
  t.regex(stranger.json.error, /verify/);
  const socket = `/v1/functions/hook/ws?namespace=${tenant.namespace}`;
  const upgrade = await refusedUpgrade(tenant.url, socket);
  t.is(upgrade.status, 401);
  t.regex(upgrade.json.error, /verify/);

  t.is((await invoke(tenant, 'hook')).status, 200, 'a credential of the namespace');
  t.is((await invoke(anonymous, 'plain')).status, 200);
  const signature = `sha256=${createHmac('sha256', 'secret').update('payload').digest('hex')}`;
  const signed = { method: 'POST', headers: { 'x-hub-signature-256': signature }, body: 'payload' };
  t.is((await call('/hook', signed)).status, 200);
});

test('an older version or a version with a share of the calls opens no way around auth and verify', async (t) => {
  const { call, deploy, tenant } = await served({ hook: {}, shut: {}, split: {} });
  await tenant.put('/v1/functions/secrets', { name: 'S', value: 'secret' });
  const verify = { scheme: 'github', secret: 'S' };
  await deploy('hook', { verify });
  await deploy('shut', {}, { is_public: 'false' });
  await deploy('split', { auth: 'key', verify });
  t.is((await tenant.put('/v1/functions/hook/aliases/old', { version: 1 })).status, 200);
  const split = { version: 1, weights: { '2': 1 } };
  t.is((await tenant.put('/v1/functions/split/aliases/live', split)).status, 200);
  for (const path of ['/hook@1', '/hook@old', '/hook%401', '/shut@1', '/split', '/split@1', '/split@live']) {
    t.is((await call(path, { method: 'POST', body: 'forged' })).status, 401, path);
  }

  const signature = `sha256=${createHmac('sha256', 'secret').update('payload').digest('hex')}`;
  const signed = { 'x-hub-signature-256': signature };
  const send = (path: string, headers: Record<string, string>) =>
    call(path, { method: 'POST', headers, body: 'payload' });
  t.is((await send('/hook@1', signed)).status, 200);
  t.is((await send('/shut@1', { 'x-api-key': tenant.key })).status, 200);
  t.is((await send('/split', { ...signed, 'x-api-key': tenant.key })).status, 200);
});

test('a function that answers OPTIONS itself answers preflights, with the headers of its cors settings', async (t) => {
  const origin = 'https://app.example.com';
  const { call } = await served({ own: { methods: ['GET', 'OPTIONS'], cors: { origins: [origin] } } });
  const preflight = await call('/own', {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'GET',
      ...replying({ status: 200, body: 'own' }).headers,
    },
  });
  t.is(preflight.status, 200);
  t.is(preflight.text, 'own');
  t.is(preflight.headers.get('access-control-allow-origin'), origin);
  t.truthy(preflight.headers.get('access-control-allow-methods'));
});

test('replies to a credential may be kept by its client only, and not by shared caches', async (t) => {
  const { call, tenant } = await served({ hello: {} }, { is_public: 'false' });
  const headers = { 'x-api-key': tenant.key };
  t.is((await call('/hello', { headers })).headers.get('cache-control'), 'private, no-cache');
  const own = replying({ headers: { 'cache-control': 'public, max-age=60' } }).headers;
  const reply = await call('/hello', { headers: { ...headers, ...own } });
  t.is(reply.headers.get('cache-control'), 'public, max-age=60', 'the function decides');
  for (const path of ['/v1/functions', '/v1/functions/hello', '/v1/functions/none', '/v1/status']) {
    const { headers: sent } = await tenant.get(path);
    t.is(sent.get('cache-control'), 'private, no-cache', path);
  }
  t.is((await tenant.get('/v1/auth/whoami')).headers.get('cache-control'), 'no-store');
});
