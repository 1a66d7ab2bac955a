import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import test from 'ava';
import { createBufferBudget } from '../../src/concurrency/buffer-budget.js';
import { commands } from '../helpers/probe.js';
import { requestHead as head, rawHttp as raw } from '../helpers/raw-http.js';
import { startEngine } from '../helpers/running-engine.js';
import { until } from '../helpers/until.js';
import { aTenant, aTenantWithProbe, sharedEngine } from './served.js';
import { connect, refusedUpgrade } from './socket.js';

const IDLE_SECONDS = 5;
const engine = sharedEngine({ env: { REQUEST_IDLE_SECONDS: String(IDLE_SECONDS) } });
/** With the default settings, so that a slow transfer is no idle one. */
const patient = sharedEngine();

test('requests for unknown functions or without permission are rejected before their body is read', async (t) => {
  const { url } = await engine();
  const tenant = await aTenantWithProbe(await engine());
  const other = await aTenant(await engine());
  const key = `X-API-Key: ${tenant.key}`;
  const body = ['Host: x', 'Content-Type: application/json', 'Content-Length: 1000'];
  const refused: [string, string[], RegExp][] = [
    ['/v1/functions/nothing/invoke', [key], /^HTTP\/1.1 404 /],
    ['/v1/functions/probe@7/invoke', [key], /^HTTP\/1.1 404 /],
    [`/v1/invoke/${tenant.namespace}/probe`, [], /^HTTP\/1.1 401 /],
    [`/v1/invoke/${tenant.namespace}/probe`, [`X-API-Key: ${other.key}`], /^HTTP\/1.1 404 /],
    ['/v1/functions/probe/invoke', [key, 'X-Delay-Seconds: 5'], /^HTTP\/1.1 400 /],
    ['/v1/functions/nothing/triggers', [key], /^HTTP\/1.1 404 /],
    ['/v1/functions/nothing/rollback', [key], /^HTTP\/1.1 404 /],
    ['/v1/functions', [], /^HTTP\/1.1 401 /],
    ['/v1/pubsub/publish', [], /^HTTP\/1.1 401 /],
  ];
  for (const [path, headers, answer] of refused) {
    const { received } = await raw(url, head('POST', path, ...body, ...headers), {
      until: /\r\n\r\n[\s\S]*\}/,
    });
    t.regex(received, answer, path);
  }
});

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

test('an invalid request target returns a 4xx on both ports and for WebSockets, and logs no error', async (t) => {
  const running = await startEngine();
  t.teardown(running.close);
  const upgrade = [
    ...['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'],
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ];
  const answers: [target: string, status: RegExp, webSocket: RegExp][] = [
    ['http://[', /^HTTP\/1.1 400 /, /^HTTP\/1.1 400 /],
    ['http://a:99999/', /^HTTP\/1.1 400 /, /^HTTP\/1.1 400 /],
    ['//', /^HTTP\/1.1 404 /, /^HTTP\/1.1 404 /],
    ['//[/v1/pubsub/ws', /^HTTP\/1.1 404 /, /^HTTP\/1.1 404 /],
    ['*', /^HTTP\/1.1 404 /, /^HTTP\/1.1 400 /],
    ['http://x/health', /^HTTP\/1.1 200 /, /^HTTP\/1.1 404 /],
  ];
  for (const [target, status, webSocket] of answers) {
    const plain = await raw(running.url, head('GET', target, 'Host: x', 'Connection: close'));
    t.regex(plain.received, status, target);
    const ws = await raw(running.url, head('GET', target, 'Host: x', ...upgrade));
    t.regex(ws.received, webSocket, `${target} for a WebSocket`);
    const fn = await raw(running.functionsUrl, head('GET', target, 'Host: x', 'Connection: close'));
    t.regex(fn.received, /^HTTP\/1.1 4\d\d /, `${target} for functions`);
  }
  // Errors of the engine are logged, with which anybody could fill the disk.
  t.is(running.log(), '');
});

test('paths are case-sensitive', async (t) => {
  const { api } = await engine();
  for (const path of ['/V1/functions', '/v1/Functions', '/HEALTH', '/v1/Auth/whoami']) {
    t.is((await api.get(path)).status, 404, path);
  }
  t.is((await refusedUpgrade(api.url, `/v1/PubSub/ws?topic=a&api_key=${api.key}`)).status, 404);
});

test('connections beyond MAX_CONNECTIONS are closed and logged, and later requests are served', async (t) => {
  const { url, api, log, close } = await startEngine({ env: { MAX_CONNECTIONS: '60' } });
  t.teardown(close);
  const { hostname, port } = new URL(url);
  const sockets = Array.from({ length: 120 }, () => connectTcp(Number(port), hostname));
  const closed = sockets.map((socket) => {
    socket.on('error', () => undefined);
    return once(socket, 'close');
  });
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
  });
  await Promise.all(closed.slice(100));
  t.true(sockets.filter(({ destroyed }) => destroyed).length >= 60);
  for (const socket of sockets) socket.destroy();
  await Promise.all(closed);
  for (;;) {
    const reply = await api.get('/health').catch(() => null);
    if (reply?.status === 200) break;
  }
  await until('a line of the log', () => log().includes('MAX_CONNECTIONS'));
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

test('anonymous request bodies beyond 16 MB in flight from one address return 429 until others end', async (t) => {
  const running = await patient();
  const { url } = running;
  const tenant = await aTenantWithProbe(running, { is_public: 'true' });
  const { hostname, port } = new URL(url);
  const size = 1 << 20;
  const request = head('POST', `/v1/invoke/${tenant.namespace}/probe`, 'Host: x', `Content-Length: ${size}`);
  const sockets = Array.from({ length: 20 }, () => {
    const socket = connectTcp(Number(port), hostname);
    let received = '';
    socket.setEncoding('utf8').on('data', (part) => {
      received += part;
    });
    socket.on('error', () => undefined);
    socket.write(request);
    // All but the last byte: the engine holds the body and waits.
    socket.write(Buffer.alloc(size - 1, 0x20));
    return { socket, received: () => received };
  });
  t.teardown(() => {
    for (const { socket } of sockets) socket.destroy();
  });
  const refused = () => sockets.filter(({ received }) => received().startsWith('HTTP/1.1 429 ')).length;
  await until('four of twenty are refused', () => refused() >= 4);
  t.is(refused(), 4);
  for (const { socket } of sockets) socket.destroy();
  const path = `/v1/invoke/${tenant.namespace}/probe`;
  const big = commands({ op: 'echo', a: 'x'.repeat(500_000) });
  for (;;) {
    const { status } = await tenant.as().request('POST', path, { body: big });
    if (status === 200) break;
    t.is(status, 429);
  }
  t.pass();
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
