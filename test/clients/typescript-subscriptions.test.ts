import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { WebSocket } from 'ws';
import {
  createClient,
  jsonText,
  OramaError,
  type SubscriptionEvent,
} from '../../clients/typescript/src/index.js';
import { httpServer } from '../helpers/http-server.js';
import { tcpProxy } from '../helpers/tcp-proxy.js';
import { client, started } from './typescript-client.js';

const BEYOND = '9007199254740993';

test('published messages fire triggers and reach subscribers, and a lost subscription reconnects', async (t) => {
  const orama = await client();
  const sockets: WebSocket[] = [];
  const { env } = await started();
  const listener = await client({
    webSocket: (url, protocols) => {
      const socket = new WebSocket(url, protocols);
      sockets.push(socket);
      return socket;
    },
  });
  t.truthy(env.ORAMA_URL);
  t.deepEqual(await orama.publish('clients:fires', { n: 1 }), { triggered: 1 });
  const subscription = listener.subscribe('clients:heard', { presence: true, memberId: 'ts' });
  const events = subscription[Symbol.asyncIterator]();
  const next = async (): Promise<SubscriptionEvent> => {
    const { value, done } = await events.next();
    if (done) throw new Error('the subscription has ended');
    return value;
  };
  const message = async () => {
    for (;;) {
      const event = await next();
      if (event.type === 'message') return event;
    }
  };
  t.is((await next()).type, 'open');
  await orama.publish('clients:heard', jsonText(BEYOND));
  t.is((await message()).text(), BEYOND);
  await orama.publishBatch([
    { topic: 'clients:heard', data: Uint8Array.of(0, 255) },
    { topic: 'clients:heard', data: { n: 2 } },
  ]);
  t.deepEqual([...(await message()).bytes], [0, 255]);
  t.deepEqual((await message()).json(), { n: 2 });

  sockets[0]?.terminate();
  let event = await next();
  while (event.type !== 'open') event = await next();
  await orama.publish('clients:heard', 'after');
  t.is((await message()).text(), 'after');
  t.is(sockets.length, 2);
  subscription.close();
  t.true((await events.next()).done);
});

test('a subscription whose engine vanishes without closing the socket reconnects, one to a quiet topic does not', async (t) => {
  const { engine } = await started();
  const undisturbed = (await client()).subscribe('clients:quiet');
  const quiet = undisturbed[Symbol.asyncIterator]();
  t.is((await quiet.next()).value?.type, 'open');
  const reopened = quiet.next();
  const proxy = await tcpProxy(Number(new URL(engine.url).port));
  t.teardown(proxy.close);
  const listener = await client({ url: `http://127.0.0.1:${proxy.port}` });
  const subscription = listener.subscribe('clients:vanished');
  const events = subscription[Symbol.asyncIterator]();
  t.is((await events.next()).value?.type, 'open');
  proxy.silence();
  t.is((await events.next()).value?.type, 'open');
  await engine.api.publish('clients:vanished', 'after');
  const { value } = await events.next();
  t.is(value?.type === 'message' && value.text(), 'after');
  // Ends at once, although nobody confirms it.
  const last = events.next();
  proxy.silence();
  subscription.close();
  t.true((await Promise.race([last, sleep(5000)]))?.done);
  t.is(await Promise.race([reopened, sleep(5000, 'heartbeats have kept it')]), 'heartbeats have kept it');
  undisturbed.close();
});

test('a subscription that is refused or whose key is revoked ends with an error', async (t) => {
  const stranger = await client({ apiKey: 'ak_wrong:default' });
  const refused = stranger.subscribe('clients:revoked')[Symbol.asyncIterator]();
  t.like(await t.throwsAsync(refused.next()), { code: 'unauthorized' });

  const { engine } = await started();
  const { json: key } = await engine.api.post('/v1/auth/keys', { name: 'short', namespace: 'default' });
  const listener = await client({ apiKey: key.api_key });
  const events = listener.subscribe('clients:revoked')[Symbol.asyncIterator]();
  t.is((await events.next()).value?.type, 'open');
  await engine.api.delete(`/v1/auth/keys/${key.id}`);
  t.like(await t.throwsAsync(events.next()), { code: 'unauthorized' });
});

test('a credential is in no address, neither a key nor a token', async (t) => {
  const { engine } = await started();
  const { json } = await engine.api.post('/v1/auth/token', {});
  const credentials = [{ apiKey: engine.adminKey }, { token: String(json.access_token) }];
  for (const credential of credentials) {
    const opened: { url: string; protocol: string }[] = [];
    const listener = createClient({
      url: engine.url,
      ...credential,
      webSocket: (url, protocols) => {
        const socket = new WebSocket(url, protocols);
        socket.once('open', () => opened.push({ url, protocol: socket.protocol }));
        return socket;
      },
    });
    const subscription = listener.subscribe('clients:addresses');
    t.is((await subscription[Symbol.asyncIterator]().next()).value?.type, 'open');
    subscription.close();
    t.deepEqual(opened, [
      {
        url: `${engine.url.replace('http', 'ws')}/v1/pubsub/ws?topic=clients%3Aaddresses&heartbeat=true`,
        protocol: 'orama',
      },
    ]);
  }
  // Without a credential nothing is offered, and the engine says what is missing.
  const anybody = createClient({
    url: engine.url,
    webSocket: (url, protocols) => {
      t.deepEqual(protocols, []);
      return new WebSocket(url, protocols);
    },
  });
  const refused = anybody.subscribe('clients:addresses')[Symbol.asyncIterator]();
  t.like(await t.throwsAsync(refused.next()), { code: 'unauthorized' });
});

test('a subscription to a server that is not an engine ends with an error', async (t) => {
  for (const status of [200, 302, 404]) {
    const server = await httpServer((_request, response) => {
      response.writeHead(status, { location: '/login' }).end('<html>');
    });
    const { subscribe } = createClient({ url: server.url, webSocket: (url, p) => new WebSocket(url, p) });
    const heard = async () => {
      for await (const event of subscribe('t')) t.fail(event.type);
    };
    t.like(await t.throwsAsync(heard, { instanceOf: OramaError }), { status });
    await server.close();
  }
});

test('a subscription to a topic that the engine refuses ends with its error', async (t) => {
  const orama = await client();
  const events = orama.subscribe('a topic with blanks')[Symbol.asyncIterator]();
  const refused = await t.throwsAsync(events.next(), { instanceOf: OramaError });
  t.like(refused, { code: 'invalid_request', status: 400 });
});
