import { connect as connectTcp } from 'node:net';
import test from 'ava';
import { createBufferBudget } from '../../src/concurrency/buffer-budget.js';
import { requestHead as head, rawHttp as raw } from '../helpers/raw-http.js';
import { until } from '../helpers/until.js';
import { aTenant, aTenantWithProbe, sharedEngine } from './served.js';
import { connect, refusedUpgrade } from './socket.js';

const IDLE_SECONDS = 5;
const engine = sharedEngine({ env: { REQUEST_IDLE_SECONDS: String(IDLE_SECONDS) } });

test('an incomplete body ends the request after REQUEST_IDLE_SECONDS, on routes that read bodies or not', async (t) => {
  t.timeout(300_000);
  const { url } = await engine();
  const tenant = await aTenantWithProbe(await engine(), { is_public: 'true' });
  const half = ['Host: x', 'Content-Type: application/json', 'Content-Length: 1000'];
  const requests = [
    head('POST', `/v1/invoke/${tenant.namespace}/probe`, ...half),
    head('POST', '/v1/auth/challenge', ...half),
    // These bodies are not read.
    head('GET', '/health', ...half),
    head('POST', '/nowhere', ...half),
    head('POST', '/v1/pubsub/publish', ...half),
  ];
  const ends = await Promise.all(requests.map((text) => raw(url, `${text}[1,`)));
  for (const [index, { ms, received }] of ends.entries()) {
    t.true(ms > IDLE_SECONDS * 900 && ms < IDLE_SECONDS * 1000 + 30_000, `${requests[index]}: ${ms}`);
    if (index < 2) t.regex(received, /^HTTP\/1.1 408 [\s\S]*"request_timeout"/);
  }
});

test('bodies that arrive after the reply do not affect the next request on the connection', async (t) => {
  t.timeout(300_000);
  const running = await engine();
  const tenant = await aTenantWithProbe(running, { is_public: 'true' });
  const { hostname, port } = new URL(running.url);
  const socket = connectTcp(Number(port), hostname);
  t.teardown(() => socket.destroy());
  let received = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    received += text;
  });
  const answers = (count: number) =>
    until(`answer ${count}`, () => received.split('HTTP/1.1 404').length - 1 === count);
  const body = ['Host: x', 'Content-Type: application/json'];
  for (let n = 1; n <= 15; n++) {
    socket.write(head('POST', '/v1/invoke/default/nothing', ...body, 'Content-Length: 2'));
    await answers(n);
    socket.write('[]');
  }
  // The next request that stops half-way gets the same response as on a new connection.
  socket.write(`${head('POST', `/v1/invoke/${tenant.namespace}/probe`, ...body, 'Content-Length: 1000')}[1,`);
  await until('the timeout is reported', () => received.includes('HTTP/1.1 408'));
  t.regex(received, /"request_timeout"/);
  t.notRegex(running.log(), /MaxListenersExceededWarning/);
});

test('a request or WebSocket upgrade with two Host headers returns 400', async (t) => {
  const { url } = await engine();
  const twice = ['Host: a', 'Host: b'];
  const { received } = await raw(url, head('GET', '/health', ...twice, 'Connection: close'));
  t.regex(received, /^HTTP\/1.1 400 [\s\S]*2 Host headers/);
  const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
  const ws = await raw(url, head('GET', '/v1/pubsub/ws?topic=a', ...twice, ...upgrade, key));
  t.regex(ws.received, /^HTTP\/1.1 400 [\s\S]*2 Host headers/);
});

test('a request or WebSocket upgrade without a Host header returns 400 with an error on both ports', async (t) => {
  const { url, functionsUrl } = await engine();
  const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
  const requests: [string, string][] = [
    [url, head('GET', '/health')],
    [functionsUrl, head('GET', '/default/hello')],
    [url, head('GET', '/v1/pubsub/ws?topic=a', ...upgrade, 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==')],
  ];
  for (const [base, request] of requests) {
    const { received } = await raw(base, request, { until: /\}$/ });
    t.regex(received, /^HTTP\/1.1 400 [\s\S]*no Host header[\s\S]*"code":"invalid_request"\}$/, request);
  }
  const old = await raw(url, 'GET /health HTTP/1.0\r\n\r\n');
  t.regex(old.received, /^HTTP\/1.1 200 /, 'HTTP/1.0 has no Host header');
});

test('a Host header that is no host returns 400 on both ports', async (t) => {
  const { url, functionsUrl } = await engine();
  for (const host of ['a b', 'a/b', 'a?b', 'user@a', 'a:b', 'a:99999', 'a%zz', '[::z]', 'ä']) {
    const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
    const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
    const requests: [string, string][] = [
      [url, head('GET', '/health', `Host: ${host}`)],
      [functionsUrl, head('GET', '/default/hello', `Host: ${host}`)],
      [functionsUrl, head('GET', 'http://a/default/hello', `Host: ${host}`)],
      [url, head('GET', '/v1/pubsub/ws?topic=a', `Host: ${host}`, ...upgrade, key)],
    ];
    for (const [base, request] of requests) {
      const { received } = await raw(base, request, { until: /\}$/ });
      t.regex(
        received,
        /^HTTP\/1.1 400 [\s\S]*Host header must be[\s\S]*"code":"invalid_request"\}$/,
        request,
      );
    }
  }
  for (const host of ['', 'a', 'a.', 'a_b:', '1.2.3.4:80', '[::1]:4000', 'xn--4ca.example.com']) {
    const { received } = await raw(url, head('GET', '/v1/version', `Host: ${host}`, 'Connection: close'));
    t.regex(received, /^HTTP\/1.1 200 /, host);
  }
});

test('an invalid WebSocket handshake is refused with the error of any other request', async (t) => {
  const { url } = await engine();
  const { key } = await aTenant(await engine());
  const common = ['Host: x', `X-API-Key: ${key}`, 'Connection: Upgrade', 'Upgrade: websocket'];
  const valid = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
  const handshakes: [method: string, headers: string[], answer: RegExp][] = [
    ['GET', ['Sec-WebSocket-Version: 13'], /^HTTP\/1.1 400 [\s\S]*"invalid_request"\}$/],
    [
      'GET',
      ['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: x'],
      /^HTTP\/1.1 400 [\s\S]*"invalid_request"\}$/,
    ],
    [
      'GET',
      ['Sec-WebSocket-Version: 7', valid],
      /^HTTP\/1.1 426 [\s\S]*Version: 13[\s\S]*"upgrade_required"\}$/,
    ],
    [
      'POST',
      ['Sec-WebSocket-Version: 13', valid],
      /^HTTP\/1.1 405 [\s\S]*Allow: GET[\s\S]*"method_not_allowed"\}$/,
    ],
  ];
  for (const [method, headers, answer] of handshakes) {
    const { received } = await raw(url, head(method, '/v1/pubsub/ws?topic=a', ...common, ...headers));
    t.regex(received, answer);
    t.regex(received, /Content-Type: application\/json/);
  }
});

test('paths are case-sensitive', async (t) => {
  const { api } = await engine();
  for (const path of ['/V1/functions', '/v1/Functions', '/HEALTH', '/v1/Auth/whoami']) {
    t.is((await api.get(path)).status, 404, path);
  }
  t.is((await refusedUpgrade(api.url, `/v1/PubSub/ws?topic=a&api_key=${api.key}`)).status, 404);
});

test('a buffer budget limits bytes in total and per address, and released bytes can be taken again', (t) => {
  const budget = createBufferBudget({ all: 100, each: 25 });
  const first = budget.reserve('a');
  t.true(first.take(20));
  t.false(budget.reserve('a').take(6), 'the same address');
  t.true(first.take(5));
  const others = ['b', 'c', 'd'].map((address) => {
    const reservation = budget.reserve(address);
    t.true(reservation.take(25));
    return reservation;
  });
  t.false(budget.reserve('e').take(1), 'all of it is taken');
  first.release();
  first.release();
  t.true(budget.reserve('e').take(25));
  for (const reservation of others) reservation.release();
  t.true(budget.reserve('b').take(25));
});

test('a member_id of another credential returns 409 until all connections of that member are closed', async (t) => {
  const tenant = await aTenant(await engine());
  const { json } = await tenant.post('/v1/auth/keys', { name: 'other' });
  const path = (key: string, meta: string) =>
    `/v1/pubsub/ws?topic=room&presence=true&member_id=ada&member_meta=${meta}&api_key=${key}`;
  const ada = await connect(tenant.url, path(tenant.key, '1'));
  const refused = await refusedUpgrade(tenant.url, path(json.api_key, '2'));
  t.is(refused.status, 409);
  t.regex(refused.json.error, /ada/);
  const again = await connect(tenant.url, path(tenant.key, '3'));
  const { members } = (await tenant.get('/v1/pubsub/presence?topic=room')).json;
  t.deepEqual(members.map(Object.keys), [['member_id', 'joined_at', 'meta']]);
  t.is(members[0].meta, 1);
  ada.ws.close();
  await ada.closed;
  t.is((await refusedUpgrade(tenant.url, path(json.api_key, '4'))).status, 409, 'one connection is left');
  again.ws.close();
  await again.closed;
  for (;;) {
    const { count } = (await tenant.get('/v1/pubsub/presence?topic=room')).json;
    if (count === 0) break;
  }
  const other = await connect(tenant.url, path(json.api_key, '5'));
  other.ws.close();
  await other.closed;
});
