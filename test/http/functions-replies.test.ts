import test from 'ava';
import { rawHttp, requestHead } from '../helpers/raw-http.js';
import type { TestEngine } from '../helpers/running-engine.js';
import { until } from '../helpers/until.js';
import { sharedEngine } from './served.js';
import { replying, servedFunctions } from './served-functions.js';

const engine = sharedEngine();
const byHost = sharedEngine({ env: { FUNCTIONS_HOST: '{namespace}.fn.example.com' } });
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Creates a namespace with public functions, by name and `http:` settings. */
async function served(functions: Record<string, object>, running?: TestEngine) {
  const own = running ?? (await engine());
  const { tenant, call } = await servedFunctions(own, functions);
  return {
    tenant,
    url: own.functionsUrl,
    call: (method: string, path: string, headers: Record<string, string> = {}, body?: string) =>
      call(path, { method, headers, ...(body === undefined ? {} : { body }) }),
  };
}

const replyingHeaders = (settings: Parameters<typeof replying>[0]) => replying(settings).headers;

test('every reply has X-Request-ID; replies without an invocation have X-Orama-Invocation: none', async (t) => {
  const { tenant, call } = await served({
    open: {},
    get: { methods: ['GET'] },
    key: { auth: 'key' },
    small: { max_body_kb: 1 },
    signed: { verify: { scheme: 'github', secret: 'SIGNING' } },
    unset: { verify: { scheme: 'github', secret: 'NONE' } },
    cors: { cors: { origins: ['https://app.example.com'] } },
  });
  await tenant.put('/v1/functions/secrets', { name: 'SIGNING', value: 'a secret' });
  const preflight = { origin: 'https://app.example.com', 'access-control-request-method': 'GET' };
  const own: [status: number, ...call: Parameters<typeof call>][] = [
    [404, 'GET', '/nothing'],
    [404, 'HEAD', '/nothing'],
    [405, 'POST', '/get'],
    [400, 'GET', '/open/%00'],
    [401, 'GET', '/key'],
    [401, 'POST', '/signed', {}, 'unsigned'],
    [500, 'POST', '/unset', {}, 'signed by nobody'],
    [413, 'POST', '/small', {}, 'x'.repeat(1025)],
    [204, 'OPTIONS', '/open'],
    [204, 'OPTIONS', '/cors', preflight],
  ];
  const ids = new Set<string>();
  for (const [status, ...request] of own) {
    const reply = await call(...request);
    const what = request.join(' ');
    t.is(reply.status, status, what);
    const id = reply.headers.get('x-request-id') ?? '';
    t.regex(id, UUID, what);
    ids.add(id);
    t.is(reply.headers.get('x-orama-invocation'), 'none', what);
    t.is((await tenant.get(`/v1/invocations/${id}`)).status, 404, what);
  }
  t.is(ids.size, own.length);
  const invoked: [status: number, headers: Record<string, string>][] = [
    [200, {}],
    [204, { 'x-do': 'body ' }],
    [422, { 'x-do': 'refuse' }],
    [500, { 'x-do': 'fail' }],
    [502, replyingHeaders({ status: 999 })],
  ];
  for (const [status, headers] of invoked) {
    const reply = await call('GET', '/open', headers);
    t.is(reply.status, status);
    t.is(reply.headers.get('x-orama-invocation'), null);
    t.is((await tenant.get(`/v1/invocations/${reply.headers.get('x-request-id')}`)).status, 200);
  }
});

test('a function cannot set X-Request-ID or X-Orama-Invocation, and the attempt is logged', async (t) => {
  const { tenant, call } = await served({ open: {} });
  const headers = { 'X-Request-ID': 'forged', 'x-orama-invocation': 'none', 'X-Own': 'kept' };
  const reply = await call('GET', '/open', replyingHeaders({ status: 200, headers }));
  const id = reply.headers.get('x-request-id') ?? '';
  t.regex(id, UUID);
  t.is(reply.headers.get('x-orama-invocation'), null);
  t.is(reply.headers.get('x-own'), 'kept');
  const { json } = await tenant.get(`/v1/functions/open/logs?request_id=${id}`);
  t.regex(JSON.stringify(json.logs[0].messages), /X-Request-ID/);
});

test('a header of 16 KB arrives unchanged, also if JSON escapes each of its characters', async (t) => {
  const { tenant, url } = await served({ open: {} });
  const path = `/${tenant.namespace}/open`;
  for (let time = 0; time < 3; time++) {
    const head = requestHead('GET', path, 'Host: x', 'X-Do: quotes', 'Connection: close');
    const { received } = await rawHttp(url, head);
    t.regex(received, /^HTTP\/1.1 200 /);
    t.is(/^x: (.*)\r$/m.exec(received)?.[1], '"'.repeat((16 << 10) - 5));
  }
});

test('unsupported methods return 405 with Allow on the path of a function, and 404 elsewhere', async (t) => {
  const { tenant, url } = await served({ open: {}, get: { routes: ['GET /users/{id}'], methods: ['GET'] } });
  const answer = async (method: string, path: string) => {
    const head = requestHead(method, `/${tenant.namespace}${path}`, 'Host: x', 'Connection: close');
    return (await rawHttp(url, head)).received;
  };
  for (const method of ['TRACE', 'PROPFIND']) {
    const every = await answer(method, '/open');
    t.regex(every, /^HTTP\/1.1 405 [\s\S]*"method_not_allowed"/, method);
    t.regex(every, /^Allow: GET, POST, PUT, PATCH, DELETE, HEAD\r$/m, method);
    for (const path of ['/get', '/users/7']) {
      t.regex(await answer(method, path), /^HTTP\/1.1 405 [\s\S]*^Allow: GET, HEAD\r$/m, `${method} ${path}`);
    }
    t.regex(await answer(method, '/nothing'), /^HTTP\/1.1 404 /, method);
  }
});

test('OPTIONS * returns 204 with Allow listing all supported methods', async (t) => {
  const { functionsUrl } = await engine();
  const head = requestHead('OPTIONS', '*', 'Host: x', 'Connection: close');
  const { received } = await rawHttp(functionsUrl, head);
  t.regex(received, /^HTTP\/1.1 204 [\s\S]*^Allow: GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS\r$/m);
});

test('http_respond is logged as having no effect in mode: async, and takes effect in mode: sync', async (t) => {
  const { tenant, call } = await served({ hook: { mode: 'async' }, open: {} });
  const linesOf = async (name: string, id: string | null) => {
    const record = await until('the log record', async () => {
      const { json } = await tenant.get(`/v1/functions/${name}/logs?request_id=${id}`);
      return json.logs[0];
    });
    return record.messages.map(({ message }: { message: string }) => message).join('\n');
  };
  const reply = replyingHeaders({ status: 418, headers: { 'x-own': '1' } });
  const accepted = await call('POST', '/hook', reply);
  t.is(accepted.status, 202);
  t.is(accepted.headers.get('x-own'), null);
  t.regex(await linesOf('hook', accepted.headers.get('x-request-id')), /\(http_respond\) have no effect/);
  const silent = await call('POST', '/hook', { 'x-do': 'body ' });
  t.is(await linesOf('hook', silent.headers.get('x-request-id')), '');
  const answered = await call('POST', '/open', reply);
  t.is(answered.status, 418);
  t.is(await linesOf('open', answered.headers.get('x-request-id')), '');
});

test('a Vary header of the function is appended to the Vary: Origin of its CORS settings', async (t) => {
  const { call } = await served({ open: { cors: { origins: ['https://app.example.com'] } } });
  const origin = 'https://app.example.com';
  const varyOf = async (headers: object) =>
    (await call('GET', '/open', { origin, ...replyingHeaders({ status: 200, headers }) })).headers.get(
      'vary',
    );
  t.is(await varyOf({}), 'Origin');
  t.is(await varyOf({ Vary: 'Accept' }), 'Origin, Accept');
  t.is(await varyOf({ vary: ['Accept', 'Cookie'] }), 'Origin, Accept, Cookie');
});

test('with FUNCTIONS_HOST, matching hosts serve functions on PORT and all other hosts serve the API', async (t) => {
  const own = await byHost();
  const { tenant } = await served({ users: { routes: ['GET /people/{id}'] } }, own);
  const { port } = new URL(own.url);
  t.is(own.functionsUrl, `http://{namespace}.fn.example.com:${port}`);
  const ask = async (host: string, path: string) => {
    const { received } = await rawHttp(
      own.url,
      requestHead('GET', path, `Host: ${host}`, 'Connection: close'),
    );
    const [head = '', body = ''] = received.split('\r\n\r\n');
    return { status: Number(head.slice(9, 12)), text: body };
  };
  const host = `${tenant.namespace}.fn.example.com`;
  for (const name of [host, `${host}:8080`, `${host}:`, `${host}.`, `${host}.:8080`, host.toUpperCase()]) {
    const found = await ask(name, '/people/7?x=1');
    t.is(found.status, 200, name);
    t.like(JSON.parse(found.text).request, {
      url: `http://${name}/people/7?x=1`,
      path: '/people/7',
      params: { id: '7' },
      namespace: tenant.namespace,
    });
  }
  t.is((await ask(host, '/users/below')).status, 200);
  t.is((await ask(host, `/${tenant.namespace}/users`)).status, 404, 'the namespace is not in the path');
  t.is((await ask(host, '/v1/version')).status, 404, 'the API is not on the host of functions');
  t.is((await ask('fn.example.com', '/v1/version')).status, 200);
  t.is((await ask('a.b.fn.example.com', '/v1/version')).status, 200);
  t.is((await ask('nobody.fn.example.com', '/users')).status, 404);
});

test('with FUNCTIONS_HOST, a target in absolute form is served for the host that it names', async (t) => {
  const own = await byHost();
  const { tenant } = await served({ users: {} }, own);
  const functions = `${tenant.namespace}.fn.example.com`;
  const upgrade = [
    ...['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'],
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ];
  const ask = async (target: string, ...headers: string[]) => {
    const head = requestHead('GET', target, ...headers);
    return Number((await rawHttp(own.url, head, { until: /\r\n\r\n/ })).received.slice(9, 12));
  };
  t.is(await ask(`http://${functions}/users`, 'Host: api.example.com'), 200);
  t.is(await ask('http://api.example.com/v1/version', `Host: ${functions}`), 200);
  const socket = `/v1/pubsub/ws?topic=a&api_key=${encodeURIComponent(tenant.key)}`;
  t.is(await ask(`http://${functions}${socket}`, 'Host: api.example.com', ...upgrade), 404);
  t.is(await ask(`http://api.example.com${socket}`, `Host: ${functions}`, ...upgrade), 101);
});

test('with FUNCTIONS_HOST, the sockets of the API are opened on its own hosts only', async (t) => {
  const own = await byHost();
  const { tenant } = await served({ open: {} }, own);
  const open = async (host: string, path: string) => {
    const headers = [
      `Host: ${host}`,
      `X-API-Key: ${tenant.key}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ];
    const head = requestHead('GET', path, ...headers);
    const { received } = await rawHttp(own.url, head, { until: /\r\n\r\n/ });
    return Number(received.slice(9, 12));
  };
  const host = `${tenant.namespace}.fn.example.com`;
  for (const path of ['/v1/pubsub/ws?topic=a', '/v1/functions/open/ws']) {
    t.is(await open(host, path), 404, path);
    t.is(await open('127.0.0.1', path), 101, path);
  }
  t.is(await open(host, '/open'), 200, 'a function is called without the upgrade, as on FUNCTIONS_PORT');
});
