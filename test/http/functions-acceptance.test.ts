import { createHmac } from 'node:crypto';
import test from 'ava';
import { until } from '../helpers/until.js';
import { sharedEngine } from './served.js';
import { replying, servedFunctions } from './served-functions.js';

/** Trusts no proxy. */
const engine = sharedEngine();
/** Trusts proxies on this machine. */
const behindProxy = sharedEngine({ env: { TRUSTED_PROXIES: '127.0.0.1' } });

/** A namespace with functions, by name and `http:` settings. */
async function served(functions: Record<string, object>, fields: Record<string, string> = {}, on = engine) {
  const opened = await servedFunctions(await on(), functions, fields);
  const versionOf = async (reply: { headers: Headers }) =>
    (await opened.tenant.get(`/v1/invocations/${reply.headers.get('x-request-id')}`)).json.version;
  return { ...opened, versionOf };
}

test('HTTP functions are served at name@version and name@alias with the settings of that version', async (t) => {
  const { tenant, deploy, call, versionOf } = await served({ users: { methods: ['GET'] } });
  await deploy('users', { methods: ['GET', 'POST'] });
  await tenant.put('/v1/functions/users/aliases/beta', { version: 1 });
  for (const [path, version] of [
    ['/users', 2],
    ['/users@1', 1],
    ['/users@2/below', 2],
    ['/users@beta', 1],
    ['/users@beta/below?x=1', 1],
  ] as const) {
    const reply = await call(path);
    t.is(reply.status, 200, path);
    t.is(await versionOf(reply), version, path);
  }
  t.is((await call('/users@1', { method: 'POST' })).status, 405);
  t.is((await call('/users@2', { method: 'POST' })).status, 200);
  for (const path of ['/users@3', '/users@0', '/users@nobody', '/users@']) {
    t.is((await call(path)).status, 404, path);
  }
  await tenant.put('/v1/functions/users/aliases/live', { version: 1 });
  await until('calls go to live', async () => (await versionOf(await call('/users'))) === 1);
});

test('requests from one address run one version of a split, and both versions are used over 24 addresses', async (t) => {
  const { tenant, deploy, call, versionOf } = await served({ users: {} }, {}, behindProxy);
  await deploy('users', {});
  await tenant.put('/v1/functions/users/aliases/live', { version: 1, weights: { 2: 50 } });
  const from = async (address: string) =>
    versionOf(await call('/users', { headers: { 'x-forwarded-for': address } }));
  const versions = new Set<number>();
  for (let n = 1; n <= 24; n += 1) {
    const address = `203.0.113.${n}`;
    const first = await from(address);
    t.is(await from(address), first, address);
    versions.add(first);
  }
  t.deepEqual([...versions].sort(), [1, 2]);
});

test('Forwarded and X-Forwarded headers are ignored when the peer is not a trusted proxy', async (t) => {
  const { running, tenant, call } = await served({ hello: {} });
  const { json } = await call('/hello?x=1', {
    headers: {
      'x-forwarded-for': '203.0.113.9',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'fn.example.com',
      forwarded: 'for=203.0.113.9;host=fn.example.com;proto=https',
    },
  });
  t.is(json.request.url, `${running.functionsUrl}/${tenant.namespace}/hello?x=1`);
  t.is(json.request.remote_address, '127.0.0.1');
});

test('auth: none allows anonymous HTTP requests to a function that stays private in the API', async (t) => {
  const { tenant, call } = await served({ open: { auth: 'none' } }, { is_public: 'false' });
  t.is((await call('/open')).status, 200);
  t.is((await tenant.as().invoke('open', '')).status, 404, 'the API keeps it private');
});

test('senders with different credentials and the same event id get separate invocations', async (t) => {
  const { call } = await served({ pay: { idempotency: 'X-Payment' } });
  const send = async (headers: Record<string, string>) => {
    const reply = await call('/pay', { method: 'POST', headers: { 'x-payment': '7', ...headers } });
    return reply.headers.get('x-request-id');
  };
  const senders = [
    {},
    { authorization: 'Bearer of-ada' },
    { authorization: 'Bearer of-eve' },
    { cookie: 'a=1' },
  ];
  const ids = [];
  for (const headers of senders) ids.push(await send(headers));
  t.is(new Set(ids).size, senders.length);
  for (const [at, headers] of senders.entries()) t.is(await send(headers), ids[at] ?? null);
});

test('requests with the same idempotency header share one invocation; another body returns 422', async (t) => {
  const { call } = await served({ pay: { idempotency: 'X-Payment' } });
  const send = (body: string, payment?: string) =>
    call('/pay', { method: 'POST', body, headers: payment === undefined ? {} : { 'x-payment': payment } });
  const first = await send('a', 'one');
  const again = await send('a', 'one');
  t.is(again.status, 200);
  t.is(again.text, first.text);
  t.is(again.headers.get('x-request-id'), first.headers.get('x-request-id'));
  const other = await send('b', 'one');
  t.is(other.status, 422);
  t.is(other.json.code, 'idempotency_mismatch');
  const [some, more] = [await send('a'), await send('a')];
  t.not(
    some.headers.get('x-request-id'),
    more.headers.get('x-request-id'),
    'each request without the header is a new invocation',
  );
});

test('requests with the same idempotency header and another method, path or query return 422', async (t) => {
  const { call } = await served({ orders: { idempotency: 'X-Payment' } });
  const send = (method: string, path: string) => call(path, { method, headers: { 'x-payment': 'one' } });
  const first = await send('POST', '/orders/1/pay');
  t.is(first.status, 200);
  const again = await send('POST', '/orders/1/pay');
  t.is(again.headers.get('x-request-id'), first.headers.get('x-request-id'));
  for (const [method, path] of [
    ['POST', '/orders/2/cancel'],
    ['POST', '/orders/1/pay?twice=1'],
    ['DELETE', '/orders/1/pay'],
  ] as const) {
    const other = await send(method, path);
    t.is(other.status, 422, `${method} ${path}`);
    t.is(other.json.code, 'idempotency_mismatch');
  }
});

test('a retry of a signed event with another body is the same invocation', async (t) => {
  const secret = 'whsec_of_this_test';
  const { tenant, call } = await served({
    pay: { auth: 'none', verify: { scheme: 'stripe', secret: 'STRIPE_SECRET' } },
  });
  await tenant.put('/v1/functions/secrets', { name: 'STRIPE_SECRET', value: secret });
  const send = (event: object) => {
    const body = JSON.stringify(event);
    const seconds = Math.floor(Date.now() / 1000);
    const signature = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
    const headers = { 'stripe-signature': `t=${seconds},v1=${signature}` };
    return call('/pay', { method: 'POST', body, headers });
  };
  const first = await send({ id: 'evt_1', pending_webhooks: 2 });
  t.is(first.status, 200, first.text);
  const again = await send({ id: 'evt_1', pending_webhooks: 1 });
  t.is(again.status, 200, again.text);
  t.is(again.headers.get('x-request-id'), first.headers.get('x-request-id'));
  const other = await send({ id: 'evt_2', pending_webhooks: 1 });
  t.not(other.headers.get('x-request-id'), first.headers.get('x-request-id'));
});

test('a repeated request gets the status and the headers that the function set the first time', async (t) => {
  const { call } = await served({ pay: { idempotency: 'X-Payment' } });
  const { headers } = replying({ status: 404, headers: { 'x-own': ['1', '2'] }, body: 'nobody' });
  const send = () => call('/pay', { method: 'POST', headers: { ...headers, 'x-payment': 'one' } });
  const [first, again] = [await send(), await send()];
  for (const { status, headers: received, text } of [first, again]) {
    t.deepEqual([status, received.get('x-own'), text], [404, '1, 2', 'nobody']);
  }
  t.is(again.headers.get('x-request-id'), first.headers.get('x-request-id'));
});

test('Standard Webhooks start one invocation per webhook-id, and return 401 outside the tolerance', async (t) => {
  const { tenant, call } = await served({
    hook: { mode: 'async', verify: { scheme: 'standard-webhooks', secret: 'SIGNING', tolerance: 60 } },
  });
  const key = Buffer.from('a key of the sender');
  await tenant.put('/v1/functions/secrets', { name: 'SIGNING', value: `whsec_${key.toString('base64')}` });
  const send = (id: string, age: number) => {
    const at = Math.floor(Date.now() / 1000) - age;
    const signature = createHmac('sha256', key).update(`${id}.${at}.{}`).digest('base64');
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': String(at),
      'webhook-signature': `v1,${signature}`,
    };
    return call('/hook', { method: 'POST', body: '{}', headers });
  };
  const first = await send('msg_1', 30);
  t.is(first.status, 202);
  t.is((await send('msg_1', 0)).json.request_id, first.json.request_id, 'sent again, signed anew');
  t.not((await send('msg_2', 0)).json.request_id, first.json.request_id);
  for (const age of [70, -70]) t.is((await send('msg_3', age)).status, 401, `${age} s old`);
});

test('a missing signing secret returns 500 misconfigured, and the engine log names the secret', async (t) => {
  const { running, tenant, call } = await served({
    hook: { verify: { scheme: 'github', secret: 'ABSENT_ONE' } },
  });
  const { status, json } = await call('/hook', { method: 'POST', body: '{}' });
  t.is(status, 500);
  t.is(json.code, 'misconfigured');
  await until('a line of the log', async () => running.log().includes('ABSENT_ONE'));
  t.is((await tenant.get('/v1/invocations')).json.count, 0);
});

test('sync and async requests beyond the waiting_jobs quota return 429 with Retry-After', async (t) => {
  const { running, tenant, call } = await served({ sync: {}, hook: { mode: 'async' } });
  const quotas = `/v1/namespaces/${tenant.namespace}/quotas`;
  t.is((await running.api.put(quotas, { waiting_jobs: 0 })).status, 200);
  for (const path of ['/sync', '/hook']) {
    const { status, headers, json } = await call(path, { method: 'POST', body: '{}' });
    t.is(status, 429, path);
    t.is(json.code, 'quota_exceeded', path);
    t.true(Number(headers.get('retry-after')) >= 1, path);
  }
});

test('conditional and encoding headers reach the function unchanged, and replies are not compressed', async (t) => {
  const { call } = await served({ hello: {} });
  const headers = { 'if-none-match': '"1"', 'accept-encoding': 'gzip', 'content-encoding': 'br' };
  const reply = await call('/hello', { method: 'POST', headers, body: 'x'.repeat(5000) });
  t.is(reply.status, 200);
  t.like(reply.json.request.headers, headers);
  t.is(reply.headers.get('content-encoding'), null);
  t.is(reply.headers.get('etag'), null);
  t.is(Buffer.from(reply.json.body, 'base64').length, 5000);
  t.is((await call('/hello', { method: 'POST' })).json.body, '', 'a body may be empty');
});

test('CORS preflights are answered from the cors settings and need no credentials', async (t) => {
  const origin = 'https://app.example.com';
  const methods = ['GET', 'PUT'];
  const { call } = await served({
    set: {
      auth: 'key',
      methods,
      cors: { origins: [origin], methods, headers: ['X-One', 'X-Two'], max_age: 77 },
    },
    unset: { routes: ['PUT /routed'], cors: { origins: ['*'] } },
  });
  const preflight = async (path: string) => {
    const { status, headers } = await call(path, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'x-one' },
    });
    const of = (name: string) => headers.get(`access-control-${name}`);
    return [
      status,
      ...['allow-origin', 'allow-methods', 'allow-headers', 'max-age', 'allow-credentials'].map(of),
    ];
  };
  t.deepEqual(await preflight('/set'), [204, origin, 'GET,PUT', 'X-One,X-Two', '77', null]);
  const every = 'GET,HEAD,PUT,PATCH,POST,DELETE';
  for (const path of ['/unset', '/routed']) {
    t.deepEqual(await preflight(path), [204, '*', every, 'x-one', '600', null], path);
  }
  const refused = await call('/set', { headers: { origin } });
  t.is(refused.status, 401);
  t.is(refused.headers.get('access-control-allow-origin'), origin, 'the page can read why');
});
