import { request, type ServerResponse } from 'node:http';
import test from 'ava';
import { httpServer } from '../helpers/http-server.js';
import { shared } from '../helpers/shared.js';
import { sharedEngine } from './served.js';
import { doing, replying, servedFunctions } from './served-functions.js';

const engine = sharedEngine({ env: { EGRESS_ALLOW: '127.0.0.1', TRUSTED_PROXIES: '127.0.0.1' } });
const served = async (functions: Record<string, object>, fields: Record<string, string> = {}) =>
  servedFunctions(await engine(), functions, fields);

/** The namespace with one function that most tests use. */
const hello = shared(async () =>
  Object.assign(await served({ hello: {} }), { close: async () => undefined }),
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
    const invalid = await call('/hello', replying({ status }));
    t.is(invalid.status, 502, `status ${status}`);
    t.is(invalid.json.code, 'invalid_reply');
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
    '/hello#x',
    '/hello/a?b#c',
  ]) {
    t.is(await raw(path), 400, path);
  }
  t.is(await raw('/hello/a%2Fb'), 200);
  t.is(await raw('//hello'), 404);
});

test('the reply to a failed call does not contain the reason of the failure', async (t) => {
  const { call, deploy } = await served({ hello: {} });
  await deploy('late', {}, { timeout_seconds: '1' });
  const failed = await call('/hello', doing('fail'));
  t.is(failed.status, 500);
  t.like(failed.json, { error: 'the function failed', request_id: failed.headers.get('x-request-id') });
  t.false(failed.text.includes('secret reason'));
  t.is((await call('/hello', doing('refuse'))).status, 422);
  t.is((await call('/late', doing('sleep'))).status, 504);
  const own = await call('/hello', doing('fail-with-reply'));
  t.is(own.status, 418);
  t.is(own.text, 'short and stout');
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
