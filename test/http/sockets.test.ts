import { once } from 'node:events';
import test from 'ava';
import { WebSocket } from 'ws';
import type { JsonValue } from '../helpers/api.js';
import { commands, probeWasm } from '../helpers/probe.js';
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

test('a parameter of a socket that was given twice returns 400', async (t) => {
  const { url, key, namespace } = await aTenantWithProbe(await engine());
  for (const [path, name] of [
    ['/v1/pubsub/ws?topic=a&topic=b', 'topic'],
    ['/v1/functions/probe/ws?logs=true&logs=false', 'logs'],
    [`/v1/pubsub/ws?topic=a&namespace=${namespace}&namespace=other`, 'namespace'],
  ] as const) {
    const refused = await refusedUpgrade(url, path, { 'x-api-key': key ?? '' });
    t.is(refused.status, 400, path);
    t.is(refused.json.error, `${name} was given more than once; give it once.`);
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
