import { once } from 'node:events';
import test from 'ava';
import { WebSocket } from 'ws';
import type { JsonValue } from '../helpers/api.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { sameBytes } from '../helpers/same-bytes.js';
import { aTenant, aTenantWithProbe, sharedEngine } from './served.js';
import { connect, refusedUpgrade } from './socket.js';

const engine = sharedEngine();
const hasOutput = (output: string) => (frame: JsonValue) => frame.output === output;

test('each message on a function socket is one invocation, and replies arrive in order of completion', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const client = await connect(api.url, '/v1/functions/probe/ws', { 'x-api-key': api.key });
  client.ws.send(commands({ op: 'sleep', n: 5000 }, { op: 'echo', a: 'slow' }));
  client.ws.send('quick');
  client.ws.send(commands({ op: 'exit', n: 2 }));
  const slow = await client.next('the slow one', hasOutput('{"results":[null,"slow"]}'));
  t.like(slow, { status: 'success' });
  const quick = client.frames.find(hasOutput('quick'));
  t.truthy(quick);
  t.true(client.frames.indexOf(quick) < client.frames.indexOf(slow));
  t.is(typeof quick.duration_ms, 'number');
  const failed = await client.next('the failed one', ({ status }) => status === 'error');
  t.is(failed.code, 'function_error');
  const { json } = await api.get(`/v1/invocations/${quick.request_id}`);
  t.like(json, { trigger: 'ws', state: 'success' });
  client.ws.close();
  t.is((await client.closed).code, 1005);
});

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

test('exit codes 64 to 78 refuse the input on a socket too, and only callers with a key get the output', async (t) => {
  const api = await aTenantWithProbe(await engine(), { is_public: 'true' });
  const own = await connect(api.url, '/v1/functions/probe/ws', { 'x-api-key': api.key });
  const stranger = await connect(api.url, `/v1/functions/probe/ws?namespace=${api.namespace}`);
  for (const { ws } of [own, stranger]) {
    for (const n of [63, 64, 78, 79]) {
      ws.send(commands({ op: 'stdout', a: `code ${n}` }, { op: 'exit', n }));
    }
  }
  for (const { ws, next, frames } of [own, stranger]) {
    await next('the last reply', () => frames.length === 4);
    const codes = frames.map(({ error, code }) => `${error.match(/\d+/)?.[0]} ${code}`).sort();
    t.deepEqual(codes, [
      '63 function_error',
      '64 function_refused',
      '78 function_refused',
      '79 function_error',
    ]);
    const outputs = frames.map(({ output }) => output).sort();
    t.deepEqual(outputs, frames === own.frames ? ['code 63', 'code 64', 'code 78', 'code 79'] : Array(4));
    ws.close();
  }
});

test('300 messages sent at once on a function socket all receive a reply', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const client = await connect(api.url, `/v1/functions/probe/ws?api_key=${encodeURIComponent(api.key)}`);
  for (let sent = 0; sent < 300; sent += 1) client.ws.send(`message ${sent}`);
  await client.next('the last reply', () => client.frames.length >= 300, 240_000);
  const outputs = new Set(client.frames.map(({ output }) => output));
  t.is(outputs.size, 300);
  client.ws.close();
});

test('with logs=true the log lines of an invocation come before its reply', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const client = await connect(api.url, '/v1/functions/probe/ws?logs=true', { 'x-api-key': api.key });
  client.ws.send(commands({ op: 'log', a: 'first' }, { op: 'log', a: 'second' }));
  const reply = await client.next('the reply', ({ status }) => status === 'success');
  const lines = client.frames.slice(0, client.frames.indexOf(reply));
  t.deepEqual(
    lines.map(({ request_id, log }) => ({ request_id, log })),
    [
      { request_id: reply.request_id, log: 'first' },
      { request_id: reply.request_id, log: 'second' },
    ],
  );
  client.ws.close();
});

test('a message over 1 MB closes the socket with 1009', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const client = await connect(api.url, '/v1/functions/probe/ws', { 'x-api-key': api.key });
  client.ws.send(new Uint8Array((1 << 20) + 1));
  t.is((await client.closed).code, 1009);
});

test('a refused WebSocket upgrade returns the HTTP error of an ordinary request', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const key = { 'x-api-key': api.key };
  t.is((await refusedUpgrade(api.url, '/v1/functions/absent/ws', key)).status, 404);
  t.is((await refusedUpgrade(api.url, '/v1/functions/a%2Fb/ws', key)).status, 400);
  t.is((await refusedUpgrade(api.url, '/v1/functions/%E0%A4%A/ws', key)).status, 400);
  t.is((await refusedUpgrade(api.url, '/nowhere', key)).status, 404);
  const anonymous = await refusedUpgrade(api.url, `/v1/functions/probe/ws?namespace=${api.namespace}`);
  t.is(anonymous.status, 401);
  t.is(anonymous.json.code, 'unauthorized');
  const stranger = await aTenant(await engine());
  t.is((await refusedUpgrade(api.url, '/v1/functions/probe/ws', { 'x-api-key': stranger.key })).status, 404);
  const foreign = `/v1/functions/probe/ws?namespace=${api.namespace}`;
  t.is((await refusedUpgrade(api.url, foreign, { 'x-api-key': stranger.key })).status, 403);
  t.is((await refusedUpgrade(api.url, '/v1/pubsub/ws?topic=a')).status, 401);
  t.is((await refusedUpgrade(api.url, '/v1/pubsub/ws', key)).status, 400);
  t.is((await refusedUpgrade(api.url, '/v1/pubsub/ws?topic=a&member_meta={', key)).status, 400);
});

test('a plain request to a WebSocket path returns 426 with Upgrade, but only after the access checks', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const stranger = await aTenant(await engine());
  for (const path of [
    '/v1/functions/probe/ws',
    '/v1/functions/probe@1/ws',
    '/v1/pubsub/ws',
    '/v1/pubsub/ws?topic=a',
  ]) {
    const reply = await api.get(path);
    t.is(reply.status, 426, path);
    t.is(reply.headers.get('upgrade'), 'websocket');
    t.is(reply.json.code, 'upgrade_required');
    t.regex(reply.json.error, /WebSocket/);
    const separate = path.includes('?') ? '&' : '?';
    t.is((await api.as().get(`${path}${separate}namespace=${api.namespace}`)).status, 401, path);
  }
  t.is((await stranger.get('/v1/functions/probe/ws')).status, 404);
  t.is((await api.get('/v1/functions/absent/ws')).status, 404);
  t.is((await api.get('/v1/functions/a%2Fb/ws')).status, 400);
  t.is((await api.get('/v1/pubsub/ws?topic=a%20b')).status, 400);
  const post = await api.post('/v1/pubsub/ws', {});
  t.is(post.status, 405);
  t.is(post.headers.get('allow'), 'GET, HEAD, OPTIONS');
});

test('an anonymous socket can invoke a public function until a deployment makes the function private', async (t) => {
  const api = await aTenantWithProbe(await engine(), { is_public: 'true' });
  const client = await connect(api.url, `/v1/functions/probe/ws?namespace=${api.namespace}`);
  client.ws.send('open');
  await client.next('the reply', hasOutput('open'));
  await api.deploy('probe', await probeWasm());
  client.ws.send('shut');
  const refused = await client.next('the refusal', ({ status }) => status === 'error');
  t.is(refused.code, 'unauthorized');
  client.ws.close();
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

test('sockets of a revoked key are closed with 1008', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const invoking = await connect(api.url, '/v1/functions/probe/ws', { 'x-api-key': api.key });
  const listening = await connect(api.url, '/v1/pubsub/ws?topic=a', { 'x-api-key': api.key });
  const [key] = (await api.get('/v1/auth/keys')).json.keys;
  t.is((await api.delete(`/v1/auth/keys/${key.id}`)).status, 200);
  t.is((await invoking.closed).code, 1008);
  t.is((await listening.closed).code, 1008);
  t.is((await api.get('/v1/functions')).status, 401);
});

test('a credential in a WebSocket subprotocol is accepted and not sent back; a wrong one returns 401', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const bearer = (credential: string) => `orama.bearer.${Buffer.from(credential).toString('base64url')}`;
  const { json } = await api.post('/v1/auth/token', {});
  for (const credential of [api.key, json.access_token]) {
    const client = await connect(api.url, '/v1/functions/probe/ws', {}, ['orama', bearer(credential)]);
    t.is(client.ws.protocol, 'orama');
    client.ws.send('"mine"');
    t.like(await client.next('the reply', ({ status }) => status === 'success'), { output: '"mine"' });
    client.ws.close();
  }
  const refused = (protocols: string[]) => refusedUpgrade(api.url, '/v1/pubsub/ws?topic=a', {}, protocols);
  t.is((await refused(['orama', bearer('ak_guessed:default')])).status, 401);
  t.is((await refused(['orama', 'orama.bearer.'])).status, 401);
  t.is((await refused(['orama'])).status, 401);
  // Without another protocol to choose, none is sent back, and the client of the library gives up.
  const lonely = new WebSocket(`${api.url.replace(/^http/, 'ws')}/v1/pubsub/ws?topic=a`, [bearer(api.key)]);
  const [error] = await once(lonely, 'error');
  t.regex(String(error), /no subprotocol/);
});
