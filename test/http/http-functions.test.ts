import { createHmac } from 'node:crypto';
import { request, type ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { text as streamText } from 'node:stream/consumers';
import { stripVTControlCharacters } from 'node:util';
import test from 'ava';
import { createClient } from '../../src/cli/client.js';
import { callHttp } from '../../src/cli/http-call.js';
import { renderLog } from '../../src/cli/render-log.js';
import type { Session } from '../../src/cli/session.js';
import { createTerminal } from '../../src/cli/terminal.js';
import { httpGuest } from '../helpers/http-guest.js';
import { httpServer } from '../helpers/http-server.js';
import { shared } from '../helpers/shared.js';
import { until } from '../helpers/until.js';
import { aTenant, sharedEngine } from './served.js';

const engine = sharedEngine({ env: { EGRESS_ALLOW: '127.0.0.1', TRUSTED_PROXIES: '127.0.0.1' } });

/** Creates a namespace with functions, by name and `http:` settings. */
async function served(functions: Record<string, object>, fields: Record<string, string> = {}) {
  const running = await engine();
  const tenant = await aTenant(running);
  for (const [name, http] of Object.entries(functions)) {
    const { status, text } = await tenant.deploy(name, await httpGuest(), {
      is_public: 'true',
      metadata: JSON.stringify({ http }),
      ...fields,
    });
    if (status !== 201) throw new Error(text);
  }
  const base = `${running.functionsUrl}/${tenant.namespace}`;
  const call = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(base + path, { redirect: 'manual', ...init });
    const bytes = Buffer.from(await response.arrayBuffer());
    const text = bytes.toString();
    return { status: response.status, headers: response.headers, bytes, text, json: parsed(text) };
  };
  return { running, tenant, base, call };
}

function parsed(text: string) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The namespace with one function that most tests use. */
const hello = shared(async () =>
  Object.assign(await served({ hello: {} }), { close: async () => undefined }),
);

const doing = (what: string, headers: Record<string, string> = {}) => ({
  headers: { 'x-do': what, ...headers },
});
const replying = (reply: { status?: number; headers?: object; body?: string | Uint8Array }) =>
  doing(
    `reply ${JSON.stringify({
      status: reply.status ?? 200,
      headers: reply.headers ?? {},
      body: Buffer.from(reply.body ?? '').toString('base64'),
    })}`,
  );

test('a function reads the method, path, query, headers and body of its request', async (t) => {
  const { call, tenant, base } = await hello();
  const body = Buffer.from([0, 255, 1, 10, 13]);
  const { status, json } = await call('/hello/a%20b/c?x=1&x=2&y=%C3%A9', {
    method: 'PUT',
    headers: { 'X-Test': 'one', cookie: 'a=1; b=2', 'content-type': 'application/x-test' },
    body,
  });
  t.is(status, 200);
  t.is(json.body, body.toString('base64'));
  t.like(json.request, {
    method: 'PUT',
    url: `${base}/hello/a%20b/c?x=1&x=2&y=%C3%A9`,
    path: `/${tenant.namespace}/hello/a%20b/c`,
    query: { x: ['1', '2'], y: ['é'] },
    params: {},
    remote_address: '127.0.0.1',
    namespace: tenant.namespace,
    // Go strings cannot be null.
    route: '',
  });
  t.like(json.request.headers, { 'x-test': 'one', cookie: 'a=1; b=2', 'content-type': 'application/x-test' });
});

test('repeated request headers reach the function joined with a comma', async (t) => {
  const { base } = await hello();
  const text = await new Promise<string>((resolve, reject) => {
    const sent = request(`${base}/hello`, { headers: { 'x-many': ['a', 'b'] } }, async (response) => {
      resolve(Buffer.concat(await response.toArray()).toString());
    });
    sent.on('error', reject).end();
  });
  t.is(JSON.parse(text).request.headers['x-many'], 'a, b');
});

test('status, headers and bytes of a reply arrive as the function set them', async (t) => {
  const { call } = await hello();
  const bytes = Uint8Array.from({ length: 256 }, (_, n) => n);
  const reply = await call(
    '/hello',
    replying({
      status: 201,
      headers: { 'Set-Cookie': ['a=1', 'b=2'], 'X-Own': 'yes', 'Content-Type': 'image/x-test' },
      body: bytes,
    }),
  );
  t.is(reply.status, 201);
  t.deepEqual(reply.headers.getSetCookie(), ['a=1', 'b=2']);
  t.is(reply.headers.get('x-own'), 'yes');
  t.is(reply.headers.get('content-type'), 'image/x-test');
  t.true(reply.bytes.equals(Buffer.from(bytes)));
  t.regex(reply.headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/);
  t.is((await call('/hello', replying({ status: 304, body: 'dropped' }))).text, '');
  t.is(
    (await call('/hello', replying({ status: 302, headers: { location: '/x' } }))).headers.get('location'),
    '/x',
  );
});

test('without http_respond the status and content type are derived from the output', async (t) => {
  const { call } = await hello();
  const outputOf = (body: string | Buffer) =>
    call('/hello', doing(`body ${Buffer.from(body).toString('base64')}`));
  const shapes = [
    ['', 204, null],
    ['{"a":1}', 200, 'application/json'],
    ['[1]', 200, 'application/json'],
    ['plain é', 200, 'text/plain; charset=utf-8'],
    [Buffer.from([0xff, 0xfe, 0]), 200, 'application/octet-stream'],
  ] as const;
  for (const [body, status, type] of shapes) {
    const reply = await outputOf(body as string);
    t.is(reply.status, status);
    t.is(reply.headers.get('content-type'), type);
    t.true(reply.bytes.equals(Buffer.from(body as string)));
  }
});

test('reserved and invalid reply headers are dropped and logged by name; invalid statuses return 502', async (t) => {
  const { call, tenant } = await hello();
  const reserved = await call(
    '/hello',
    replying({
      headers: {
        Connection: 'close',
        'Transfer-Encoding': 'gzip',
        'Content-Length': '999',
        'X-Orama-Signature': 'forged',
        'x-bad\r\nx-injected': '1',
        'x-bad-value': 'a\r\nx-injected: 1',
        'x-good': 'kept',
      },
      body: 'ok',
    }),
  );
  t.is(reserved.status, 200);
  t.is(reserved.text, 'ok');
  t.is(reserved.headers.get('x-good'), 'kept');
  for (const name of ['x-orama-signature', 'x-injected', 'x-bad-value', 'transfer-encoding']) {
    t.is(reserved.headers.get(name), null, name);
  }
  for (const status of [0, 99, 100, 101, 199, 600, 999]) {
    t.is((await call('/hello', replying({ status }))).status, 502, `status ${status}`);
  }
  t.is((await call('/hello', doing('many-headers'))).status, 502);
  t.is((await call('/hello', doing('large-header'))).status, 502);
  const { json } = await tenant.get(
    `/v1/functions/hello/logs?request_id=${reserved.headers.get('x-request-id')}`,
  );
  const lines = json.logs[0].messages.map(({ message }: { message: string }) => message).join('\n');
  for (const name of [
    'Connection',
    'Transfer-Encoding',
    'Content-Length',
    'X-Orama-Signature',
    'x-bad-value',
  ]) {
    t.true(lines.includes(name), `${name} in ${lines}`);
  }
});

test('HEAD runs GET without a reply body, OPTIONS lists the methods, and other methods return 405', async (t) => {
  const { call } = await served({ hello: { methods: ['GET', 'POST'] } });
  const head = await call('/hello', {
    method: 'HEAD',
    ...replying({ headers: { 'x-own': '1' }, body: 'four' }),
  });
  t.is(head.status, 200);
  t.is(head.headers.get('content-length'), '4');
  t.is(head.text, '');
  const options = await call('/hello', { method: 'OPTIONS' });
  t.is(options.status, 204);
  t.is(options.headers.get('allow'), 'GET, POST, HEAD, OPTIONS');
  const wrong = await call('/hello', { method: 'DELETE' });
  t.is(wrong.status, 405);
  t.is(wrong.headers.get('allow'), 'GET, POST, HEAD');
});

test('the most specific route wins, and a route takes precedence over the function with the same name', async (t) => {
  const { call } = await served({
    users: { routes: ['GET /users/{id}', 'GET /users/{id}/posts/{post}', 'GET /hooks'] },
    me: { routes: ['GET /users/me'] },
    files: { routes: ['GET /files/{path...}'] },
    hooks: {},
  });
  const routeOf = async (path: string) => {
    const { json } = await call(path);
    return [json?.request?.route, json?.request?.params];
  };
  t.deepEqual(await routeOf('/users/7'), ['GET /users/{id}', { id: '7' }]);
  t.deepEqual(await routeOf('/users/a%2Fb'), ['GET /users/{id}', { id: 'a/b' }]);
  t.deepEqual(await routeOf('/users/me'), ['GET /users/me', {}]);
  t.deepEqual(await routeOf('/users/7/posts/9'), ['GET /users/{id}/posts/{post}', { id: '7', post: '9' }]);
  t.deepEqual(await routeOf('/files/a/b/c.txt'), ['GET /files/{path...}', { path: 'a/b/c.txt' }]);
  t.deepEqual(await routeOf('/files'), ['GET /files/{path...}', { path: '' }]);
  t.deepEqual(await routeOf('/files/'), ['GET /files/{path...}', { path: '' }]);
  t.deepEqual(await routeOf('/users/'), ['', {}], 'a parameter is never empty');
  t.deepEqual(await routeOf('/users//posts/9'), ['', {}]);
  t.deepEqual(await routeOf('/users/%E2%80%A8'), ['GET /users/{id}', { id: '\u2028' }]);
  t.deepEqual(await routeOf('/hooks'), ['GET /hooks', {}]);
  t.deepEqual(await routeOf('/hooks/below'), ['', {}]);
  t.is((await call('/Users/7')).status, 404, 'paths are case-sensitive');
  t.is((await call('/nowhere')).status, 404);
  t.is(
    (await call('/users/me', { method: 'POST' })).status,
    200,
    'the path of the function users itself is used',
  );
});

test('log and invocation record the route, and a replay sends the same request again', async (t) => {
  const { call, tenant } = await served({ users: { routes: ['GET /users/{id}'] } });
  const seen = async (id: string | null) => {
    const { logs } = await until('the log record', async () => {
      const { json } = await tenant.get(`/v1/functions/users/logs?request_id=${id}`);
      return json.logs.length > 0 ? json : null;
    });
    const { json } = await tenant.get(`/v1/invocations/${id}`);
    const http = ({ route, method, http_status }: Record<string, unknown>) => [route, method, http_status];
    t.deepEqual(http(logs[0]), http(json), 'log and invocation are equal');
    return { http: http(json), output: json.output };
  };
  const first = (await call('/users/7?x=1')).headers.get('x-request-id');
  const original = await seen(first);
  t.deepEqual(original.http, ['GET /users/{id}', 'GET', 200]);
  const own = await call('/users', { method: 'PUT' });
  t.deepEqual((await seen(own.headers.get('x-request-id'))).http, [null, 'PUT', 200]);
  const replayed = await tenant.post(`/v1/invocations/${first}/replay`, {});
  t.deepEqual(
    await seen(replayed.json.request_id),
    { http: ['GET /users/{id}', 'GET', null], output: original.output },
    'a replay has no HTTP status',
  );
  const invoked = await tenant.invoke('users', '{}');
  t.deepEqual((await seen(invoked.headers.get('x-request-id'))).http, [undefined, undefined, undefined]);
});

test('log and invocation record the HTTP status that the client received', async (t) => {
  const { call, tenant } = await served({ hello: {}, hook: { mode: 'async' } });
  const asked: [path: string, init: RequestInit, status: number][] = [
    ['/hello', replying({ status: 418, body: 'tea' }), 418],
    ['/hello', replying({ status: 999 }), 502],
    ['/hello', doing('fail'), 500],
    ['/hello', doing('refuse'), 422],
    ['/hook', doing('fail'), 202],
  ];
  for (const [path, init, status] of asked) {
    const reply = await call(path, init);
    t.is(reply.status, status);
    const id = reply.headers.get('x-request-id');
    const record = await until('the end of the invocation', async () => {
      const { json } = await tenant.get(`/v1/invocations/${id}`);
      return json.completed_at !== null && json;
    });
    t.is(record.http_status, status, `${path} ${JSON.stringify(init)}`);
    const { json } = await tenant.get(`/v1/functions${path}/logs?request_id=${id}`);
    t.is(json.logs[0].http_status, status);
  }
});

test('the command line shows method, route and status of a request and of its log record', async (t) => {
  const { tenant, running } = await served({ users: { routes: ['GET /users/{id}'] }, hello: {} });
  const session = async (shown: (session: Session) => Promise<unknown>) => {
    const stdout = Object.assign(new PassThrough(), { isTTY: true });
    const stderr = Object.assign(new PassThrough(), { isTTY: true });
    const terminal = createTerminal({ stdin: process.stdin, stdout, stderr });
    await shown({ terminal, client: createClient({ url: running.url, apiKey: tenant.key }) });
    stdout.end();
    stderr.end();
    return stripVTControlCharacters((await streamText(stdout)) + (await streamText(stderr)));
  };
  const request = { method: 'GET', path: '/users/7?x=1', headers: {}, body: new Uint8Array() };
  const said = await session((shown) => callHttp(shown, { ...request, name: undefined }));
  t.regex(said, /GET \/users\/7\?x=1: 200 by route GET \/users\/\{id\}, .*request [0-9a-f-]{36}/);
  const own = await session((shown) => callHttp(shown, { ...request, path: '/self', name: 'hello' }));
  t.regex(own, /GET \/self: 200, /);
  const logs = await until('a log record of each', async () => {
    const [users, self] = await Promise.all(
      ['users', 'hello'].map((name) => tenant.get(`/v1/functions/${name}/logs`)),
    );
    return users?.json.count === 1 && self?.json.count === 1 && [users.json.logs[0], self.json.logs[0]];
  });
  const lines = await session(async ({ terminal }) => {
    for (const record of logs) terminal.line(renderLog(terminal.colors, record));
  });
  t.regex(lines, / success http GET \/users\/\{id\} 200 v1 /);
  t.regex(lines, / success http GET \(own address\) 200 v1 /);
});

test('X-Orama-Route is sent only to callers with a key of the namespace', async (t) => {
  const { call, tenant, running } = await served({ users: { routes: ['GET /users/{id}'] } });
  const told = async (path: string, key?: string) =>
    (await call(path, key === undefined ? {} : { headers: { 'x-api-key': key } })).headers.get(
      'x-orama-route',
    );
  t.is(await told('/users/7', tenant.key), 'GET /users/{id}');
  t.is(await told('/users', tenant.key), '');
  t.is(await told('/users/7'), null);
  t.is(await told('/users/7', (await aTenant(running)).key), null);
});

test('deploying a second function with the same route returns 409 and names the first function', async (t) => {
  const { tenant } = await served({ first: { routes: ['GET /users/{id}', 'POST /x'] } });
  const second = await tenant.deploy('second', await httpGuest(), {
    metadata: JSON.stringify({ http: { routes: ['GET /users/{name}'] } }),
  });
  t.is(second.status, 409);
  t.regex(second.json.error, /"first"/);
  const again = await tenant.deploy('first', await httpGuest(), {
    metadata: JSON.stringify({ http: { routes: ['GET /users/{id}'] } }),
  });
  t.is(again.status, 201);
});

test('paths with dot segments, backslashes, control characters or broken escapes return 400', async (t) => {
  const { running, tenant } = await hello();
  const { port } = new URL(running.functionsUrl);
  const raw = (path: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      request({ port, path: `/${tenant.namespace}${path}` }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
  for (const path of [
    '/hello/..',
    '/hello/%2e%2e/x',
    '/hello/.',
    '/hello/%00',
    '/hello/%5cx',
    '/hello/%zz',
    '/hello/%0a',
  ]) {
    t.is(await raw(path), 400, path);
  }
  t.is(await raw('/hello/a%2Fb'), 200);
  t.is(await raw('//hello'), 404);
});

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

test('the reply to a failed call does not contain the reason of the failure', async (t) => {
  const { call } = await served({ hello: {} }, { timeout_seconds: '1' });
  const failed = await call('/hello', doing('fail'));
  t.is(failed.status, 500);
  t.like(failed.json, { error: 'the function failed', request_id: failed.headers.get('x-request-id') });
  t.false(failed.text.includes('secret reason'));
  t.is((await call('/hello', doing('refuse'))).status, 422);
  t.is((await call('/hello', doing('sleep'))).status, 504);
  const own = await call('/hello', doing('fail-with-reply'));
  t.is(own.status, 418);
  t.is(own.text, 'short and stout');
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

test('a body larger than max_body_kb returns 413', async (t) => {
  const { call } = await served({ hello: { max_body_kb: 1 } });
  t.is((await call('/hello', { method: 'POST', body: 'x'.repeat(1024) })).status, 200);
  const refused = await call('/hello', { method: 'POST', body: 'x'.repeat(1025) });
  t.is(refused.status, 413);
  t.regex(refused.json.error, /1025 bytes; at most 1 KB \(1024 bytes\)/);
});

test('64 requests that a function starts together run concurrently', async (t) => {
  const held: ServerResponse[] = [];
  const server = await httpServer((_request, response) => {
    held.push(response);
    // Responses are sent only when all requests have arrived: sequential requests would hang.
    if (held.length === 64) for (const each of held) each.end('ok');
  });
  t.teardown(() => server.close());
  const { call } = await hello();
  const { json } = await call('/hello', doing(`fetch-all ${server.url}`));
  t.is(json.ok, 64);
});

test('a function invoked through the API has no HTTP request', async (t) => {
  const { tenant } = await hello();
  t.deepEqual((await tenant.invoke('hello', 'in')).json, { request: null, input: 'in' });
});

test('behind a trusted proxy the request URL and remote address come from X-Forwarded headers', async (t) => {
  const { call, tenant } = await hello();
  const { json } = await call('/hello?x=1', {
    headers: {
      'x-forwarded-for': '203.0.113.9',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'fn.example.com',
    },
  });
  t.is(json.request.url, `https://fn.example.com/${tenant.namespace}/hello?x=1`);
  t.is(json.request.remote_address, '203.0.113.9');
});

test("percent-encoded characters of a function's address are the characters themselves", async (t) => {
  const { call, running, tenant } = await hello();
  for (const path of ['/hello%401', '/%68ello', '/hello%401/below']) {
    const { status, json } = await call(path);
    t.is(status, 200, path);
    t.is(json.request.path, `/${tenant.namespace}${path}`, 'the path is given as it was sent');
  }
  const namespace = `%${tenant.namespace.charCodeAt(0).toString(16)}${tenant.namespace.slice(1)}`;
  t.is((await fetch(`${running.functionsUrl}/${namespace}/hello`)).status, 200);
  for (const path of ['/hello%2F', '/hello%409', '/hello%40']) t.is((await call(path)).status, 404, path);
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
