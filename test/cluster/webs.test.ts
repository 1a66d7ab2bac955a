import test from 'ava';
import { login } from '../auth/login.js';
import { ethWallet } from '../auth/wallet.js';
import type { Api, JsonValue } from '../helpers/api.js';
import { startCluster, type WebProcess } from '../helpers/cluster.js';
import { httpGuest } from '../helpers/http-guest.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { shared } from '../helpers/shared.js';
import { anAnswerLike } from '../helpers/tries.js';
import { until } from '../helpers/until.js';
import { type Client, connect } from '../http/socket.js';

/** Within 2 s changes are effective everywhere; the rest is an allowance for a busy machine. */
const SOON_MS = 2000 + 3000;
/** Long enough to be renewed on a busy machine, and shorter than the default. */
const LEASE_SECONDS = 6;
/**
 * Members of a lost process disappear within its lease and a poll of the list; longer on a busy
 * machine.
 */
const LOST_MS = 30_000;

const pair = shared(async () => {
  const cluster = await startCluster({ PRESENCE_LEASE_SECONDS: String(LEASE_SECONDS) });
  const [a, b] = await Promise.all([cluster.web(), cluster.web(), cluster.worker()]);
  return { ...cluster, a, b };
});

let tenants = 0;

/** Creates a namespace for the test and returns its clients of both web processes. */
async function aTenant(a: WebProcess, b: WebProcess) {
  tenants += 1;
  const namespace = `tenant-${tenants}`;
  const { json } = await a.api.post('/v1/auth/keys', { name: 'test', namespace });
  return { id: json.id as string, namespace, a: a.api.as(json.api_key), b: b.api.as(json.api_key) };
}

function subscribe(api: Api, topic: string, query = ''): Promise<Client> {
  return connect(api.url, `/v1/pubsub/ws?topic=${topic}${query}`, { 'x-api-key': api.key ?? '' });
}

const textOf = (frame: JsonValue) => Buffer.from(frame.data ?? '', 'base64').toString();
const memberOf = (client: Client, type: string, id: string) =>
  client.next(
    `${type} of ${id}`,
    (frame) => frame.type === type && frame.member_id === id,
    // The event of a killed process takes longest.
    LOST_MS,
  );
const idsOf = async (api: Api, topic: string) =>
  (await api.get(`/v1/pubsub/presence?topic=${topic}`)).json.members.map(
    ({ member_id }: JsonValue) => member_id,
  );

test('a trigger that one web process has added, disabled or deleted counts at once in the other', async (t) => {
  const webs = await pair();
  const { a, b } = await aTenant(webs.a, webs.b);
  await a.deploy('probe', await probeWasm());
  const triggered = async (topic: string) => (await b.publish(topic, [])).json.triggered;
  let round = 0;
  const results = async () => {
    const found: number[] = [];
    round += 1;
    for (let n = 0; n < 40; n++) {
      const topic = `topic-${round}-${n}`;
      const { json } = await a.post('/v1/functions/probe/triggers', { topic });
      found.push(await triggered(topic));
      const path = `/v1/functions/probe/triggers/${json.trigger.id}`;
      await a.request('PATCH', path, { body: JSON.stringify({ enabled: false }) });
      found.push(await triggered(topic));
      await a.request('PATCH', path, { body: JSON.stringify({ enabled: true }) });
      found.push(await triggered(topic));
      await a.delete(path);
      found.push(await triggered(topic));
    }
    return found;
  };
  const expected = Array.from({ length: 40 }, () => [1, 0, 1, 0]).flat();
  // A process waits for the other one for half a second, in which a busy machine may not run it.
  t.deepEqual(await anAnswerLike(expected, results), expected);
});

test('messages published through one web process reach subscribers of both, including bytes', async (t) => {
  const webs = await pair();
  const { a, b } = await aTenant(webs.a, webs.b);
  const [onA, onB] = await Promise.all([subscribe(a, 'news'), subscribe(b, 'news')]);
  t.is((await a.publish('news', { n: 1 })).status, 200);
  t.is((await b.post('/v1/pubsub/publish', { topic: 'news', data_base64: '/wA=' })).status, 200);
  onA.ws.send('from a socket');
  for (const client of [onA, onB]) {
    await client.next('the object message', (frame) => textOf(frame) === '{"n":1}');
    await client.next('the bytes message', ({ data }) => data === '/wA=');
    await client.next('the text message', (frame) => textOf(frame) === 'from a socket');
    t.is(client.frames.length, 3);
    client.ws.close();
  }
});

test('1,000 subscribers of one topic on two web processes receive every message in order', async (t) => {
  const webs = await pair();
  const { a, b } = await aTenant(webs.a, webs.b);
  const clients: Client[] = [];
  while (clients.length < 1000) {
    const wave = Array.from({ length: 50 }, (_, n) => subscribe(n % 2 === 0 ? a : b, 'crowd'));
    clients.push(...(await Promise.all(wave)));
  }
  const messages = ['one', 'two', 'three', 'four'];
  for (const [n, message] of messages.entries()) await (n % 2 === 0 ? a : b).publish('crowd', message);
  for (const client of clients) {
    await client.next('the last message', () => client.frames.length >= messages.length);
  }
  for (const [n, message] of messages.entries()) {
    t.is(clients.filter(({ frames }) => textOf(frames[n]) === message).length, 1000, message);
  }
  for (const client of clients) client.ws.terminate();
});

test('members are listed by both web processes, and each receives one event per join and leave', async (t) => {
  const webs = await pair();
  const { a, b } = await aTenant(webs.a, webs.b);
  const ada = await subscribe(a, 'room', '&presence=true&member_id=ada');
  const bob = await subscribe(b, 'room', '&presence=true&member_id=bob&member_meta={"seat":4}');
  t.like(await memberOf(ada, 'presence.join', 'bob'), { meta: { seat: 4 } });
  t.deepEqual(await idsOf(a, 'room'), ['ada', 'bob']);
  t.deepEqual(await idsOf(b, 'room'), ['ada', 'bob']);
  t.deepEqual((await b.get('/v1/pubsub/topics')).json, { topics: ['room'] });

  const again = await subscribe(b, 'room', '&presence=true&member_id=ada');
  ada.ws.close();
  await ada.closed;
  again.ws.close();
  await memberOf(bob, 'presence.leave', 'ada');
  t.deepEqual(
    bob.frames.map(({ type }) => type),
    ['presence.leave'],
  );
  t.deepEqual(await idsOf(a, 'room'), ['bob']);
  bob.ws.close();
});

test('members of a killed web process leave when their lease expires, and other members are notified', async (t) => {
  const webs = await pair();
  const doomed = await webs.web();
  const { a, b } = await aTenant(doomed, webs.b);
  const stays = await subscribe(b, 'room', '&presence=true&member_id=stays');
  await subscribe(a, 'room', '&presence=true&member_id=lost');
  await memberOf(stays, 'presence.join', 'lost');
  t.deepEqual(await idsOf(b, 'room'), ['stays', 'lost']);
  await doomed.kill9();
  await memberOf(stays, 'presence.leave', 'lost');
  t.deepEqual(await idsOf(b, 'room'), ['stays']);
  t.is(stays.frames.length, 2);
  stays.ws.close();
});

test('revoking an API key through one web process ends its tokens, sockets and streams on another', async (t) => {
  const webs = await pair();
  const { a, b, id } = await aTenant(webs.a, webs.b);
  const token = { authorization: `Bearer ${(await a.post('/v1/auth/token', {})).json.access_token}` };
  await a.deploy('probe', await probeWasm());
  const topic = await subscribe(b, 'news');
  const calls = await connect(b.url, '/v1/functions/probe/ws', token);
  const lines = await fetch(`${b.url}/v1/functions/probe/logs?follow=true`, { headers: token });
  t.is((await b.get('/v1/functions')).status, 200);
  t.is((await b.as().get('/v1/functions', token)).status, 200);
  t.is((await a.delete(`/v1/auth/keys/${id}`)).status, 200);
  await until('the key is refused', async () => (await b.get('/v1/functions')).status === 401, SOON_MS);
  await until(
    'its token is refused',
    async () => (await b.as().get('/v1/functions', token)).status === 401,
    SOON_MS,
  );
  t.is((await topic.closed).code, 1008);
  t.is((await calls.closed).code, 1008);
  t.regex(await lines.text(), /^: connected/);
});

test('a logout or reused refresh token on one web process ends tokens and sockets on another', async (t) => {
  const webs = await pair();
  const [a, b] = [webs.a.api.as(), webs.b.api.as()];
  const whoami = async (token: string) =>
    (await b.get('/v1/auth/whoami', { authorization: `Bearer ${token}` })).status;

  const first = (await login(a, ethWallet(), 'logged-out', 'ETH')).verified.json;
  const socket = await connect(b.url, `/v1/pubsub/ws?topic=x&token=${first.access_token}`);
  t.is(await whoami(first.access_token), 200);
  const headers = { authorization: `Bearer ${first.access_token}` };
  t.is((await a.request('POST', '/v1/auth/logout', { headers })).status, 200);
  await until('logged out', async () => (await whoami(first.access_token)) === 401, SOON_MS);
  t.is((await b.post('/v1/auth/refresh', { refresh_token: first.refresh_token })).status, 401);
  t.is((await socket.closed).code, 1008);

  // A refresh token that was used through one process counts as stolen in the other one.
  const second = (await login(a, ethWallet(), 'stolen', 'ETH')).verified.json;
  const rotated = await a.post('/v1/auth/refresh', { refresh_token: second.refresh_token });
  t.is(await whoami(rotated.json.access_token), 200);
  t.is((await b.post('/v1/auth/refresh', { refresh_token: second.refresh_token })).status, 401);
  await until('revoked', async () => (await whoami(rotated.json.access_token)) === 401, SOON_MS);
  t.is((await a.post('/v1/auth/refresh', { refresh_token: rotated.json.refresh_token })).status, 401);
});

test('an invocation through one web process reads a secret changed through another', async (t) => {
  const webs = await pair();
  const { a, b } = await aTenant(webs.a, webs.b);
  await a.deploy('probe', await probeWasm());
  const read = async () => (await b.invoke('probe', commands({ op: 'secret', a: 'TOKEN' }))).json.results[0];
  t.is(await read(), '');
  for (const value of ['one', 'two', 'three']) {
    t.is((await a.put('/v1/functions/secrets', { name: 'TOKEN', value })).status, 200);
    t.is(await read(), value);
  }
  t.is((await a.delete('/v1/functions/secrets/TOKEN')).status, 200);
  t.is(await read(), '');
});

test('a deploy is visible to another web process at once, and a redeploy or delete within 2 s', async (t) => {
  const webs = await pair();
  const { a, b } = await aTenant(webs.a, webs.b);
  const call = () => b.invoke('probe', commands({ op: 'env', a: 'N' }));
  const deploy = async (value: string) =>
    (await a.deploy('probe', await probeWasm(), { metadata: JSON.stringify({ env: { N: value } }) })).status;
  for (let n = 0; n < 5; n += 1) {
    // Request it while it is absent, which must not be cached.
    await until('the function is gone', async () => (await call()).status === 404, SOON_MS);
    t.is(await deploy('first'), 201);
    t.deepEqual((await call()).json, { results: ['first'] });
    t.is(await deploy('second'), 201);
    await until(
      'the new version is called',
      async () => (await call()).json.results[0] === 'second',
      SOON_MS,
    );
    t.is((await a.delete('/v1/functions/probe')).status, 200);
  }
});

test('routes of an HTTP function reach another web process at once, and their removal within 2 s', async (t) => {
  const webs = await pair();
  const { a, b, namespace } = await aTenant(webs.a, webs.b);
  const { functions_url: base } = (await b.get('/v1/status')).json;
  const statusOf = async (path: string) => (await fetch(`${base}/${namespace}${path}`)).status;
  const deploy = async (http: object) => {
    const metadata = JSON.stringify({ http });
    return (await a.deploy('users', await httpGuest(), { is_public: 'true', metadata })).status;
  };
  // Request them while they are absent, which must not be cached.
  t.deepEqual([await statusOf('/people/7'), await statusOf('/users')], [404, 404]);
  t.is(await deploy({ routes: ['GET /people/{id}'] }), 201);
  t.deepEqual([await statusOf('/people/7'), await statusOf('/users')], [200, 200]);
  t.is(await deploy({ routes: ['GET /members/{id}'] }), 201);
  t.is(await statusOf('/members/7'), 200);
  await until('the old route is gone', async () => (await statusOf('/people/7')) === 404, SOON_MS);
  t.is((await a.delete('/v1/functions/users')).status, 200);
  await until('the function is gone', async () => (await statusOf('/users')) === 404, SOON_MS);
  t.is(await statusOf('/members/7'), 404);
});
