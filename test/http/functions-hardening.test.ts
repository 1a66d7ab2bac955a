import { once } from 'node:events';
import { connect } from 'node:net';
import test from 'ava';
import { rawHttp, requestHead } from '../helpers/raw-http.js';
import { startEngine } from '../helpers/running-engine.js';
import { until } from '../helpers/until.js';
import { sharedEngine } from './served.js';
import { servedFunctions } from './served-functions.js';

const engine = sharedEngine();

/** Creates a namespace with public functions, by name and `http:` settings. */
async function served(functions: Record<string, object>, running = engine()) {
  const { functionsUrl: url, ...rest } = await running;
  const { tenant, deploy } = await servedFunctions({ functionsUrl: url, ...rest }, functions);
  return { url, path: (path: string) => `/${tenant.namespace}${path}`, tenant, deploy };
}

test('requests for unknown functions or without permission are rejected before their body is read', async (t) => {
  const { url, path, tenant, deploy } = await served({
    open: { methods: ['GET'] },
    signed: { verify: { scheme: 'github', secret: 'NONE' } },
  });
  await deploy('closed', {}, { is_public: 'false' });
  const hidden = requestHead('GET', path('/open'), 'Host: x');
  const body = ['Host: x', `Content-Length: ${hidden.length}`];
  const refused: [method: string, path: string, headers: string[], status: number][] = [
    ['POST', '/nothing', [], 404],
    ['POST', '/open', [], 405],
    ['POST', '/open/..', [], 400],
    ['POST', '/closed', [], 401],
    ['POST', '/closed', ['X-API-Key: ak_wrong:default'], 401],
    ['POST', '/closed', ['X-API-Key: a', 'Host: y'], 400],
    ['OPTIONS', '/open', [], 204],
    ['TRACE', '/open', [], 405],
  ];
  for (const [method, target, headers, status] of refused) {
    const head = requestHead(method, path(target), ...body, ...headers);
    const answer = new RegExp(`^HTTP/1.1 ${status} .*\r\n\r\n`, 's');
    const early = await rawHttp(url, head, { until: answer });
    t.regex(early.received, answer, `${method} ${target}`);
    if (headers.includes('Host: y')) continue;
    const next = requestHead('GET', path('/nothing-more'), 'Host: x', 'Connection: close');
    const { received } = await rawHttp(url, head + hidden + next);
    const replies = received.match(/HTTP\/1\.1 \d+/g);
    t.deepEqual(replies, [`HTTP/1.1 ${status}`, 'HTTP/1.1 404'], `${target}: the body is no request`);
  }
  const { json } = await tenant.get('/v1/invocations');
  t.is(json.count, 0);
});

test('an incomplete request head or body returns 408 after a timeout, and runs no function', async (t) => {
  t.timeout(300_000);
  const { url, path, tenant } = await served({
    sync: {},
    hook: { mode: 'async' },
    signed: { mode: 'async', verify: { scheme: 'github', secret: 'NONE' } },
  });
  const length = ['Host: x', 'Content-Length: 1000'];
  const chunks = ['Host: x', 'Transfer-Encoding: chunked'];
  const halves = [
    ...['/sync', '/hook', '/signed'].map((target) => requestHead('POST', path(target), ...length)),
    requestHead('GET', path('/sync'), ...length),
    `${requestHead('POST', path('/sync'), ...chunks)}4\r\n`,
    `GET ${path('/sync')} HTTP/1.1\r\nHost: x\r\nX-Slow: `,
  ];
  const ends = await Promise.all(halves.map((text) => rawHttp(url, `${text}te`)));
  for (const [index, { ms, received }] of ends.entries()) {
    t.true(ms > 13_000 && ms < 60_000, `${halves[index]}: ${ms}`);
    t.regex(received, /^HTTP\/1.1 408 [\s\S]*"request_timeout"/, halves[index]);
  }
  const { json } = await tenant.get('/v1/invocations');
  t.is(json.count, 0);
});

test('a client that sends its whole oversized body before reading gets 413, and its next request works', async (t) => {
  const { url, path } = await served({ small: { max_body_kb: 1 } });
  const size = 4 << 20;
  for (const [framing, body] of [
    [`Content-Length: ${size}`, 'x'.repeat(size)],
    ['Transfer-Encoding: chunked', `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n0\r\n\r\n`],
  ]) {
    const next = requestHead('GET', path('/small'), 'Host: x', 'Connection: close');
    const head = requestHead('POST', path('/small'), 'Host: x', `${framing}`);
    const { received } = await rawHttp(url, `${head}${body}${next}`);
    t.regex(received, /^HTTP\/1.1 413 [\s\S]*"payload_too_large"[\s\S]*HTTP\/1.1 200 /, framing);
  }
});

test('a request with a header of 32 KB returns 431', async (t) => {
  const { url, path } = await served({ open: {} });
  const large = requestHead('GET', path('/open'), 'Host: x', `X-Large: ${'x'.repeat(32 << 10)}`);
  const { received } = await rawHttp(url, large);
  t.regex(received, /^HTTP\/1.1 431 [\s\S]*"headers_too_large"/);
  t.regex(received, /^X-Request-ID: [0-9a-f-]{36}\r\nX-Orama-Invocation: none\r$/m);
});

test('anonymous request bodies beyond 16 MB in flight from one address return 429 until others end', async (t) => {
  const { url, path } = await served({ open: {} });
  const { hostname, port } = new URL(url);
  const size = 1 << 20;
  const sockets = Array.from({ length: 20 }, () => {
    const socket = connect(Number(port), hostname);
    let received = '';
    socket.setEncoding('latin1').on('data', (part) => {
      received += part;
    });
    socket.on('error', () => undefined);
    socket.write(requestHead('POST', path('/open'), 'Host: x', `Content-Length: ${size}`));
    // All but the last byte: the engine holds the body and waits.
    socket.write(Buffer.alloc(size - 1, 0x20));
    return { socket, received: () => received };
  });
  t.teardown(() => {
    for (const { socket } of sockets) socket.destroy();
  });
  const refused = () => sockets.filter(({ received }) => received().startsWith('HTTP/1.1 429 ')).length;
  await until('four of twenty are refused', async () => refused() >= 4);
  t.is(refused(), 4);
  for (const { socket } of sockets) socket.destroy();
  await until('room again', async () => {
    const response = await fetch(url + path('/open'), { method: 'POST', body: Buffer.alloc(500_000) });
    await response.arrayBuffer();
    return response.status === 200;
  });
  t.pass();
});

test('connections beyond MAX_CONNECTIONS are closed and logged, and later requests are served', async (t) => {
  const own = await startEngine({ env: { MAX_CONNECTIONS: '60' } });
  t.teardown(own.close);
  const { url, path } = await served({ open: {} }, Promise.resolve(own));
  const { hostname, port } = new URL(url);
  const sockets = Array.from({ length: 120 }, () => connect(Number(port), hostname));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
  });
  const closed = sockets.map((socket) => {
    socket.on('error', () => undefined);
    return once(socket, 'close');
  });
  await Promise.all(closed.slice(100));
  t.true(sockets.filter(({ destroyed }) => destroyed).length >= 60);
  for (const socket of sockets) socket.destroy();
  await until('served again', async () => {
    const response = await fetch(url + path('/open')).catch(() => null);
    return response?.status === 200;
  });
  await until('a log line', async () => own.log().includes('MAX_CONNECTIONS'));
});
