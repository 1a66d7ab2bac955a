import test from 'ava';
import type { JsonValue } from '../helpers/api.js';
import { sameBytes } from '../helpers/same-bytes.js';
import { aTenant, aTenantWithProbe, sharedEngine } from './served.js';
import { connect } from './socket.js';

const engine = sharedEngine();

test('a subscriber that asks for heartbeats gets the first one at once, others get none', async (t) => {
  const api = await aTenant(await engine());
  const headers = { 'x-api-key': api.key };
  const asking = await connect(api.url, '/v1/pubsub/ws?topic=beats&heartbeat=true', headers);
  const other = await connect(api.url, '/v1/pubsub/ws?topic=beats', headers);
  const isMessage = ({ topic }: JsonValue) => topic === 'beats';
  await api.publish('beats', 1);
  await asking.next('the message', isMessage);
  await other.next('the message', isMessage);
  t.deepEqual(Object.keys(asking.frames[0] ?? {}), ['type', 'timestamp']);
  t.is(asking.frames[0]?.type, 'heartbeat');
  t.is(other.frames.length, 1);
  for (const { ws } of [asking, other]) ws.close();
});

test('subscribers receive published text and bytes, and messages sent by a subscriber are published', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const one = await connect(api.url, '/v1/pubsub/ws?topic=news', { 'x-api-key': api.key });
  const two = await connect(api.url, `/v1/pubsub/ws?topic=news&api_key=${encodeURIComponent(api.key)}`);
  const other = await connect(api.url, '/v1/pubsub/ws?topic=other', { 'x-api-key': api.key });
  t.deepEqual((await api.get('/v1/pubsub/topics')).json.topics.sort(), ['news', 'other']);

  await api.publish('news', { n: 1 });
  const bytes = Buffer.from([0, 0xff, 1]).toString('base64');
  await api.post('/v1/pubsub/publish', { topic: 'news', data_base64: bytes });
  two.ws.send('from a socket');
  const text = (frame: JsonValue) => Buffer.from(frame.data, 'base64').toString();
  for (const client of [one, two]) {
    const first = await client.next('the object', (frame) => text(frame) === '{"n":1}');
    t.is(first.topic, 'news');
    t.is(typeof first.timestamp, 'number');
    await client.next('the bytes', ({ data }) => data === bytes);
    await client.next('the text', (frame) => text(frame) === 'from a socket');
  }
  t.deepEqual(other.frames, []);
  for (const client of [one, two, other]) client.ws.close();
});

test('bytes that are not valid UTF-8 are published unchanged, also from a text frame', async (t) => {
  const api = await aTenant(await engine());
  const client = await connect(api.url, '/v1/pubsub/ws?topic=bytes', { 'x-api-key': api.key });
  const bytes = Uint8Array.from({ length: 512 }, (_, at) => at % 256);
  client.ws.send(bytes, { binary: false });
  const frame = await client.next('the message', ({ topic }) => topic === 'bytes');
  sameBytes(t, Buffer.from(frame.data, 'base64'), bytes);
  client.ws.close();
});

test('a message sent over a pubsub socket fires triggers with trigger_depth 1', async (t) => {
  const api = await aTenantWithProbe(await engine());
  await api.post('/v1/functions/probe/triggers', { topic: 'jobs' });
  const client = await connect(api.url, '/v1/pubsub/ws?topic=jobs', { 'x-api-key': api.key });
  client.ws.send('{"a":1}');
  await client.next('its own message', ({ topic }) => topic === 'jobs');
  const { json } = await api.get('/v1/invocations?function=probe');
  t.like(json.invocations[0], { trigger: 'pubsub', trigger_depth: 1 });
  client.ws.close();
});

test('messages sent in a burst over a socket keep their order, and a refused one does not block the rest', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const { status } = await api.post('/v1/functions/probe/triggers', { topic: 'orders' });
  t.is(status, 201);
  const client = await connect(api.url, '/v1/pubsub/ws?topic=orders', { 'x-api-key': api.key });
  const numbers = Array.from({ length: 200 }, (_, index) => index);
  for (const number of numbers) {
    // As large as a frame may be, and too large with its envelope.
    if (number === 100) client.ws.send(JSON.stringify('x'.repeat((1 << 20) - 2)));
    client.ws.send(String(number));
  }
  await client.next('all frames', () => client.frames.length >= 201);
  const published = client.frames.filter(({ data }) => data !== undefined);
  t.deepEqual(
    published.map(({ data }) => Number(Buffer.from(data, 'base64').toString())),
    numbers,
  );
  t.deepEqual(
    client.frames.filter(({ error }) => error !== undefined).map(({ code }) => code),
    ['payload_too_large'],
  );
  client.ws.close();
});

test('members receive presence.join and presence.leave, and presence lists the current members', async (t) => {
  const api = await aTenant(await engine());
  const join = (id: string, meta: string) =>
    connect(
      api.url,
      `/v1/pubsub/ws?topic=room&presence=true&member_id=${id}&member_meta=${encodeURIComponent(meta)}`,
      { 'x-api-key': api.key },
    );
  const ada = await join('ada', '{"name":"Ada"}');
  const silent = await connect(api.url, '/v1/pubsub/ws?topic=room', { 'x-api-key': api.key });
  const bob = await join('bob', '{"name":"Bob"}');
  const joined = await ada.next('the join', ({ type }) => type === 'presence.join');
  t.like(joined, { member_id: 'bob', meta: { name: 'Bob' } });
  t.is(typeof joined.timestamp, 'number');
  const { json } = await api.get('/v1/pubsub/presence?topic=room');
  t.is(json.count, 2);
  t.deepEqual(
    json.members.map(({ member_id }: JsonValue) => member_id),
    ['ada', 'bob'],
  );
  bob.ws.terminate();
  const left = await ada.next('the leave', ({ type }) => type === 'presence.leave');
  t.is(left.member_id, 'bob');
  t.is((await api.get('/v1/pubsub/presence?topic=room')).json.count, 1);
  t.deepEqual(silent.frames, []);
  ada.ws.close();
  silent.ws.close();
});

test('subscribers receive no messages of the same topic in another namespace', async (t) => {
  const mine = await aTenant(await engine());
  const theirs = await aTenant(await engine());
  const client = await connect(mine.url, '/v1/pubsub/ws?topic=same', { 'x-api-key': mine.key });
  await theirs.publish('same', 'for them');
  await mine.publish('same', 'for me');
  await client.next('my message', ({ data }) => Buffer.from(data, 'base64').toString() === 'for me');
  t.is(client.frames.length, 1);
  t.deepEqual((await theirs.get('/v1/pubsub/topics')).json, { topics: [] });
  client.ws.close();
});

test('1,000 subscribers of one topic all get a message', async (t) => {
  const api = await aTenant(await engine());
  const open = () => connect(api.url, '/v1/pubsub/ws?topic=crowd', { 'x-api-key': api.key });
  const clients = [];
  for (let wave = 0; wave < 20; wave += 1) {
    clients.push(...(await Promise.all(Array.from({ length: 50 }, open))));
  }
  t.is(clients.length, 1000);
  await api.publish('crowd', 'hello all');
  for (const client of clients) await client.next('the message', ({ topic }) => topic === 'crowd');
  for (const client of clients) client.ws.terminate();
});
