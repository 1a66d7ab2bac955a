import test from 'ava';
import { listenHttp } from '../../src/http/listen/listener.js';
import { rawHttp, requestHead } from '../helpers/raw-http.js';
import { sharedEngine } from './served.js';
import { PORTS, servedFunctions } from './served-functions.js';

const engine = sharedEngine();
const served = async () => servedFunctions(await engine(), { hook: {} });

for (const { port, urlOf, pathOf } of PORTS) {
  test(`on the port of ${port}, every pipelined request is answered, whether or not it offers h2c`, async (t) => {
    const { running, tenant } = await served();
    const url = urlOf(running);
    const request = (body: string, ...headers: string[]) =>
      requestHead(
        'POST',
        pathOf(tenant.namespace, 'hook'),
        'Host: x',
        `Content-Length: ${body.length}`,
        ...headers,
      ) + body;
    const plain = (body: string) => request(body);
    const offer = (body: string) =>
      request(body, 'Upgrade: h2c', 'Connection: Upgrade, HTTP2-Settings', 'HTTP2-Settings: AAMAAABkAAQ');
    for (const kinds of [
      [offer, plain],
      [offer, offer],
      [plain, offer],
      [plain, offer, plain, plain, offer],
    ]) {
      const sent = kinds.map((kind, number) => kind(`request ${number}`)).join('');
      const until = new RegExp(`(HTTP/1.1 2[^]*){${kinds.length}}`);
      const { received } = await rawHttp(url, sent, { until });
      t.is(received.match(/HTTP\/1\.1 20[04] /g)?.length, kinds.length, received);
    }
  });
}

test('a WebSocket handshake behind other requests is answered after them', async (t) => {
  const { url, adminKey } = await engine();
  const credential = ['Host: x', `X-API-Key: ${adminKey}`];
  const handshake = (topic: string) =>
    requestHead(
      'GET',
      `/v1/pubsub/ws?topic=${topic}`,
      ...credential,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    );
  const earlier = requestHead('GET', '/v1/functions', ...credential).repeat(2);
  for (const [topic, status] of [
    ['t', 101],
    ['', 400],
  ] as const) {
    const until = /(?:HTTP\/1\.1 .*){3}/s;
    const { received } = await rawHttp(url, earlier + handshake(topic), { until });
    const statuses = [...received.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, text]) => Number(text));
    t.deepEqual(statuses, [200, 200, status], received);
  }
});

test('a connection on which every request offers h2c gets no more listeners with each', async (t) => {
  const counts: Record<string, number>[] = [];
  const listener = await listenHttp(
    {
      handle({ socket }, response) {
        const names = socket.eventNames().map((name) => [String(name), socket.listenerCount(name)]);
        counts.push(Object.fromEntries(names));
        if (counts.length === 50) response.setHeader('connection', 'close');
        response.end('ok');
      },
      maxConnections: 10,
      headersMs: 60_000,
      onDropped: () => undefined,
      onError: (error) => t.fail(error.message),
      stopping: new AbortController().signal,
    },
    { host: '127.0.0.1', port: 0, setting: 'PORT' },
  );
  t.teardown(() => listener.close(1000));
  const offer = requestHead(
    'GET',
    '/',
    'Host: x',
    'Upgrade: h2c',
    'Connection: Upgrade, HTTP2-Settings',
    'HTTP2-Settings: AAMAAABkAAQ',
  );
  await rawHttp(listener.url, offer.repeat(50));
  t.is(counts.length, 50);
  t.deepEqual(counts.at(-1), counts[1]);
});
