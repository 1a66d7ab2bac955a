import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import test from 'ava';
import { rawHttp, requestHead } from '../helpers/raw-http.js';
import { until } from '../helpers/until.js';
import { aTenant, sharedEngine } from './served.js';
import { PORTS, servedFunctions } from './served-functions.js';

const MAX_CONNECTIONS = 60;
const engine = sharedEngine({ env: { MAX_CONNECTIONS: String(MAX_CONNECTIONS) } });

/** Creates a namespace with public functions, by name and `http:` settings. */
async function served(functions: Record<string, object>) {
  const running = await engine();
  const { tenant, deploy } = await servedFunctions(running, functions);
  const path = (rest: string) => `/${tenant.namespace}${rest}`;
  return { running, url: running.functionsUrl, path, tenant, deploy };
}

/** Opens connections to the origin of a URL. */
function connections(url: string, count: number) {
  const { hostname, port } = new URL(url);
  return Array.from({ length: count }, () => {
    const socket = connect(Number(port), hostname);
    let received = '';
    socket.setEncoding('latin1').on('data', (part) => {
      received += part;
    });
    socket.on('error', () => undefined);
    return { socket, received: () => received };
  });
}

// The serial tests count what all clients of the engine have in flight, and read its log.
test.serial(
  'an invalid request target returns a 4xx on both ports and for WebSockets, and logs no error',
  async (t) => {
    const running = await engine();
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
      const plain = await rawHttp(running.url, requestHead('GET', target, 'Host: x', 'Connection: close'));
      t.regex(plain.received, status, target);
      const ws = await rawHttp(running.url, requestHead('GET', target, 'Host: x', ...upgrade));
      t.regex(ws.received, webSocket, `${target} for a WebSocket`);
      const fn = await rawHttp(
        running.functionsUrl,
        requestHead('GET', target, 'Host: x', 'Connection: close'),
      );
      t.regex(fn.received, /^HTTP\/1.1 4\d\d /, `${target} for functions`);
    }
    // Errors of the engine are logged, with which anybody could fill the disk.
    t.is(running.log(), '');
  },
);

for (const { port, urlOf, pathOf } of PORTS) {
  test.serial(
    `on the port of ${port}, connections beyond MAX_CONNECTIONS are closed and logged, and later requests are served`,
    async (t) => {
      const { running, tenant } = await served({ open: {} });
      const url = urlOf(running);
      const earlier = running.log().length;
      const opened = connections(url, 2 * MAX_CONNECTIONS).map(({ socket }) => socket);
      t.teardown(() => {
        for (const socket of opened) socket.destroy();
      });
      const closed = opened.map((socket) => once(socket, 'close'));
      await until('all beyond the limit are closed', () => closedOf(opened) >= MAX_CONNECTIONS);
      for (const socket of opened) socket.destroy();
      await Promise.all(closed);
      await until('served again', async () => {
        const response = await fetch(url + pathOf(tenant.namespace, 'open'), { method: 'POST' }).catch(
          () => null,
        );
        await response?.arrayBuffer();
        return response?.status === 200;
      });
      // Not the lines of the other port, which has a count of its own.
      await until('as many are in the log', () => droppedIn(running.log().slice(earlier)) >= MAX_CONNECTIONS);
      t.pass();
    },
  );

  test.serial(
    `on the port of ${port}, anonymous request bodies beyond 16 MB in flight from one address return 429 until others end`,
    async (t) => {
      const { running, tenant } = await served({ open: {} });
      const url = urlOf(running);
      const path = pathOf(tenant.namespace, 'open');
      const size = 1 << 20;
      const sending = connections(url, 20);
      t.teardown(() => {
        for (const { socket } of sending) socket.destroy();
      });
      for (const { socket } of sending) {
        socket.write(requestHead('POST', path, 'Host: x', `Content-Length: ${size}`));
        // All but the last byte: the engine holds the body and waits.
        socket.write(Buffer.alloc(size - 1, 0x20));
      }
      const refused = () => sending.filter(({ received }) => received().startsWith('HTTP/1.1 429 ')).length;
      await until('four of twenty are refused', () => refused() >= 4);
      t.is(refused(), 4);
      for (const { socket } of sending) socket.destroy();
      const body = `{}${' '.repeat(500_000)}`;
      await until('room again', async () => {
        const response = await fetch(url + path, { method: 'POST', body });
        await response.arrayBuffer();
        if (response.status !== 200) t.is(response.status, 429);
        return response.status === 200;
      });
    },
  );

  test(`on the port of ${port}, requests for unknown functions or without permission are rejected before their body is read`, async (t) => {
    const { running, tenant, deploy } = await served({
      open: { methods: ['GET'] },
      signed: { verify: { scheme: 'github', secret: 'NONE' } },
    });
    await deploy('closed', {}, { is_public: 'false' });
    const other = await aTenant(running);
    const hidden = requestHead('GET', pathOf(tenant.namespace, 'open'), 'Host: x');
    const body = ['Host: x', 'Content-Type: application/json', `Content-Length: ${hidden.length}`];
    for (const [method, path, headers, status] of REFUSED[port](tenant, other.key)) {
      const head = requestHead(method, path, ...body, ...headers);
      const answer = new RegExp(`^HTTP/1.1 ${status} .*\r\n\r\n`, 's');
      const early = await rawHttp(urlOf(running), head, { until: answer });
      t.regex(early.received, answer, `${method} ${path}`);
      if (headers.includes('Host: y')) continue;
      const next = requestHead('GET', '/nothing-more', 'Host: x', 'Connection: close');
      const { received } = await rawHttp(urlOf(running), head + hidden + next);
      const replies = received.match(/HTTP\/1\.1 \d+/g);
      t.deepEqual(replies, [`HTTP/1.1 ${status}`, 'HTTP/1.1 404'], `${path}: the body is no request`);
    }
    const { json } = await tenant.get('/v1/invocations');
    t.is(json.count, 0);
  });
}

type Refused = [method: string, path: string, headers: string[], status: number];
type Tenant = { namespace: string; key: string };

/** Requests by port that are refused by their heads, for a namespace and the key of another. */
const REFUSED: Record<(typeof PORTS)[number]['port'], (tenant: Tenant, otherKey: string) => Refused[]> = {
  'the API': ({ namespace, key }, otherKey) => [
    ['POST', '/v1/functions/nothing/invoke', [`X-API-Key: ${key}`], 404],
    ['POST', '/v1/functions/closed@7/invoke', [`X-API-Key: ${key}`], 404],
    ['POST', `/v1/invoke/${namespace}/closed`, [], 401],
    ['POST', `/v1/invoke/${namespace}/closed`, [`X-API-Key: ${otherKey}`], 404],
    ['POST', '/v1/functions/closed/invoke', [`X-API-Key: ${key}`, 'X-Delay-Seconds: 5'], 400],
    ['POST', '/v1/functions/nothing/triggers', [`X-API-Key: ${key}`], 404],
    ['POST', '/v1/functions/nothing/rollback', [`X-API-Key: ${key}`], 404],
    ['POST', '/v1/functions', [], 401],
    ['POST', '/v1/pubsub/publish', [], 401],
  ],
  'the functions': ({ namespace }) => [
    ['POST', `/${namespace}/nothing`, [], 404],
    ['POST', `/${namespace}/open`, [], 405],
    ['POST', `/${namespace}/open/..`, [], 400],
    ['POST', `/${namespace}/closed`, [], 401],
    ['POST', `/${namespace}/closed`, ['X-API-Key: ak_wrong:default'], 401],
    ['POST', `/${namespace}/closed`, ['X-API-Key: a', 'Host: y'], 400],
    ['OPTIONS', `/${namespace}/open`, [], 204],
    ['TRACE', `/${namespace}/open`, [], 405],
  ],
};

/** Returns how many connections are closed. */
function closedOf(sockets: Socket[]): number {
  return sockets.filter(({ destroyed }) => destroyed).length;
}

/** Returns how many connections a log says were closed because of MAX_CONNECTIONS. */
function droppedIn(log: string): number {
  // The last line may not be complete yet.
  const lines = log
    .split('\n')
    .slice(0, -1)
    .filter((line) => line.includes('MAX_CONNECTIONS'));
  return lines.reduce((sum, line) => sum + JSON.parse(line).dropped, 0);
}

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
