import { PassThrough } from 'node:stream';
import { text as streamText } from 'node:stream/consumers';
import { stripVTControlCharacters } from 'node:util';
import test from 'ava';
import { createClient } from '../../src/cli/client.js';
import { callHttp } from '../../src/cli/http-call.js';
import { renderLog } from '../../src/cli/render-log.js';
import type { CliSession } from '../../src/cli/session.js';
import { createTerminal } from '../../src/cli/terminal.js';
import { httpGuest } from '../helpers/http-guest.js';
import { rawHttp, requestHead } from '../helpers/raw-http.js';
import { until } from '../helpers/until.js';
import { aTenant, sharedEngine } from './served.js';
import { doing, replying, servedFunctions } from './served-functions.js';

const engine = sharedEngine();
const served = async (functions: Record<string, object>, fields: Record<string, string> = {}) =>
  servedFunctions(await engine(), functions, fields);

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

test('routes whose rest may be empty can stand beside the routes without it', async (t) => {
  const { call } = await served({
    list: { routes: ['GET /files', 'GET /u/{id}', 'GET /a/b/{rest...}'] },
    files: { routes: ['GET /files/{path...}', 'GET /u/{name}/{rest...}', 'GET /a/{x}'] },
    hello: {},
  });
  const routeOf = async (path: string) => (await call(path)).json?.request?.route;
  t.is(await routeOf('/files'), 'GET /files');
  t.is(await routeOf('/files/'), 'GET /files/{path...}');
  t.is(await routeOf('/files/x'), 'GET /files/{path...}');
  t.is(await routeOf('/u/7'), 'GET /u/{id}');
  t.is(await routeOf('/u/7/posts'), 'GET /u/{name}/{rest...}');
  t.is(await routeOf('/a/b'), 'GET /a/b/{rest...}');
  t.is(await routeOf('/a/c'), 'GET /a/{x}');
  t.is(await routeOf('/hello'), '');
});

test('fixed segments match however the client encodes them', async (t) => {
  const { call } = await served({
    me: { routes: ['GET /@me', 'GET /a;b', 'GET /u/@me'] },
    users: { routes: ['GET /u/{id}'] },
  });
  const routeOf = async (path: string) => (await call(path)).json?.request?.route;
  for (const path of ['/@me', '/%40me', '/%40%6De']) t.is(await routeOf(path), 'GET /@me', path);
  t.is(await routeOf('/a%3Bb'), 'GET /a;b');
  t.is(await routeOf('/u/%40me'), 'GET /u/@me');
  t.is(await routeOf('/u/%40you'), 'GET /u/{id}');
});

test('a target in absolute form is served for the host and path that it names', async (t) => {
  const { base, tenant } = await served({ users: { routes: ['GET /u/{id}'] } });
  const target = `http://shop.example:81/${tenant.namespace}/u/7?x=1`;
  const { received } = await rawHttp(base, requestHead('GET', target, 'Host: other', 'Connection: close'));
  t.regex(received, /^HTTP\/1.1 200 /);
  t.true(received.includes(`"url":"${target}"`), received);
});

test('Allow lists the methods of a function and of the routes of others at the same path', async (t) => {
  const { call } = await served({ users: { methods: ['GET'] }, adding: { routes: ['POST /users'] } });
  for (const method of ['DELETE', 'OPTIONS']) {
    const { headers } = await call('/users', { method });
    const options = method === 'OPTIONS' ? ', OPTIONS' : '';
    t.is(headers.get('allow'), `GET, POST, HEAD${options}`, method);
  }
});

test('a version with a route that another function has by now cannot become live', async (t) => {
  const { call, deploy, tenant } = await served({ ra: { routes: ['GET /own'] } });
  await deploy('ra', {});
  await deploy('rb', { routes: ['GET /own'] });
  const server = async () => {
    const id = (await call('/own')).headers.get('x-request-id');
    return (await tenant.get(`/v1/invocations/${id}`)).json.function;
  };
  const changes = [
    tenant.put('/v1/functions/ra/aliases/live', { version: 1 }),
    tenant.put('/v1/functions/ra/aliases/live', { version: 2, weights: { 1: 10 } }),
    tenant.post('/v1/functions/ra/rollout', { to: 1 }),
    tenant.post('/v1/functions/ra/rollback', { version: 1 }),
  ];
  for (const { status, json } of await Promise.all(changes)) {
    t.is(status, 409, JSON.stringify(json));
    t.regex(json.error, /^The route "GET \/own" is taken by function "rb"/);
  }
  t.is(await server(), 'rb');
  t.is((await tenant.put('/v1/functions/ra/aliases/old', { version: 1 })).status, 200);
  t.is((await tenant.delete('/v1/functions/rb')).status, 200);
  t.is((await tenant.put('/v1/functions/ra/aliases/live', { version: 1 })).status, 200);
  await deploy('ra', {});
  t.is(await server(), 'ra');
  const refused = await tenant.deploy('rb', await httpGuest(), {
    metadata: JSON.stringify({ http: { routes: ['GET /own'] } }),
  });
  t.is(refused.status, 409, refused.text);
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
  const session = async (shown: (session: CliSession) => Promise<unknown>) => {
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

test("percent-encoded characters of a function's address are the characters themselves", async (t) => {
  const { call, running, tenant } = await served({ hello: {} });
  for (const path of ['/hello%401', '/%68ello', '/hello%401/below']) {
    const { status, json } = await call(path);
    t.is(status, 200, path);
    t.is(json.request.path, `/${tenant.namespace}${path}`, 'the path is given as it was sent');
  }
  const namespace = `%${tenant.namespace.charCodeAt(0).toString(16)}${tenant.namespace.slice(1)}`;
  t.is((await fetch(`${running.functionsUrl}/${namespace}/hello`)).status, 200);
  for (const path of ['/hello%2F', '/hello%409', '/hello%40']) t.is((await call(path)).status, 404, path);
});
