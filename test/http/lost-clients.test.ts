import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { type Child, startChild } from '../helpers/child.js';
import { commands } from '../helpers/probe.js';
import { requestHead } from '../helpers/raw-http.js';
import { until } from '../helpers/until.js';
import { aTenantWithProbe, sharedEngine } from './served.js';
import { PORTS } from './served-functions.js';
import { connect } from './socket.js';

const PING_SECONDS = 4;
/** The same ratios as between the documented 20 and 30 s and the default of SOCKET_PING_SECONDS. */
const LOST_MS = 2 * PING_SECONDS * 1000;
const UNREAD_LOST_MS = 3 * PING_SECONDS * 1000;
const engine = sharedEngine({ env: { SOCKET_PING_SECONDS: String(PING_SECONDS) } });

/** Opens sockets in a separate process that can be frozen. */
async function hold(url: string, key: string, paths: readonly string[], messages: readonly string[] = []) {
  const origin = url.replace(/^http/, 'ws');
  const urls = paths.map((path) => `${origin}${path}${path.includes('?') ? '&' : '?'}api_key=${key}`);
  const child = startChild(new URL('./holding-client.js', import.meta.url), [
    JSON.stringify(urls),
    JSON.stringify(messages),
  ]);
  await until('the sockets', async () => child.messages.length > 0);
  return child;
}

function ends(child: Child) {
  return child.messages.slice(1).sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
}

test('a frozen client is dropped within two ping intervals and leaves its topics with a presence.leave event', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const ada = await connect(api.url, '/v1/pubsub/ws?topic=room&presence=true&member_id=ada', {
    'x-api-key': api.key,
  });
  const child = await hold(api.url, api.key, [
    '/v1/pubsub/ws?topic=room&presence=true&member_id=lost',
    '/v1/pubsub/ws?topic=quiet',
    '/v1/functions/probe/ws',
  ]);
  t.teardown(() => child.kill());
  await ada.next('the join', ({ type }) => type === 'presence.join');
  t.deepEqual((await api.get('/v1/pubsub/topics')).json, { topics: ['quiet', 'room'] });
  child.freeze();
  const frozen = sleep(LOST_MS);
  await ada.next(
    'the leave',
    ({ type, member_id: id }) => type === 'presence.leave' && id === 'lost',
    // Allowance of one half for a busy machine.
    LOST_MS * 1.5,
  );
  t.is((await api.get('/v1/pubsub/presence?topic=room')).json.count, 1);
  await frozen;
  const topics = await until(
    'the topic of the other socket is left',
    async () => {
      const { json } = await api.get('/v1/pubsub/topics');
      return json.topics.length < 2 && json.topics;
    },
    LOST_MS / 2,
  );
  t.deepEqual(topics, ['room']);
  child.thaw();
  await until('all have been dropped', async () => child.messages.length === 4);
  t.deepEqual(
    ends(child),
    [0, 1, 2].map((closed) => ({ closed, code: 1006 })),
  );
  ada.ws.close();
});

test('a frozen client with unread replies is dropped within three ping intervals', async (t) => {
  const api = await aTenantWithProbe(await engine());
  // More than the buffers of the engine and the connection hold.
  const big = commands({ op: 'sleep', n: 3000 }, { op: 'output', n: 1_000_000 });
  const child = await hold(api.url, api.key, ['/v1/functions/probe/ws'], Array(40).fill(big));
  t.teardown(() => child.kill());
  child.freeze();
  await until('all have run', async () => {
    const { json } = await api.get('/v1/stats?function=probe&window=1h');
    return json.per_minute.reduce((sum: number, { success }: { success: number }) => sum + success, 0) === 40;
  });
  // Allowance of a quarter for a busy machine.
  await sleep(UNREAD_LOST_MS * 1.25);
  child.thaw();
  await until('the client has been dropped', async () => child.messages.length === 2);
  t.deepEqual(ends(child), [{ closed: 0, code: 1006 }]);
});

for (const { port, urlOf, pathOf } of PORTS) {
  test(`a request that was sent completely runs although its client has disconnected at once, on the port of ${port}`, async (t) => {
    const running = await engine();
    const api = await aTenantWithProbe(running, { is_public: 'true', metadata: '{"http":{}}' });
    const { hostname, port: number } = new URL(urlOf(running));
    const input = commands({ op: 'output', n: 1 });
    const requests = [
      requestHead('POST', pathOf(api.namespace, 'probe'), 'Host: x', `Content-Length: ${input.length}`) +
        input,
      `${requestHead('POST', pathOf(api.namespace, 'probe'), 'Host: x', 'Transfer-Encoding: chunked')}${input.length.toString(16)}\r\n${input}\r\n0\r\n\r\n`,
    ];
    const sent = Array(5).fill(requests).flat();
    // What the process knows of the function is then so old that it must first ask the store.
    await sleep(2500);
    await Promise.all(
      sent.map((request) => {
        const socket = connectTcp(Number(number), hostname).end(request).resume();
        socket.on('error', () => undefined);
        return once(socket, 'close');
      }),
    );
    await until('all have run', async () => {
      const { json } = await api.get('/v1/invocations?function=probe&status=success');
      return json.count === sent.length;
    });
    t.pass();
  });
}
