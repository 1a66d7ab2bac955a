import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import type { JsonValue } from '../helpers/api.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { until } from '../helpers/until.js';
import { ASYNC, invoked } from './invoked.js';
import { aTenant, aTenantWithProbe, sharedEngine } from './served.js';

const engine = sharedEngine({ env: { EGRESS_ALLOW: '127.0.0.2/32' } });

test('published, enqueued and on_success invocations record parent_id and trigger_depth', async (t) => {
  const api = await aTenantWithProbe(await engine(), {
    metadata: JSON.stringify({ on_success: 'next:done' }),
  });
  const metadata = JSON.stringify({ triggers: [{ topic: 'next:>' }] });
  await api.deploy('listener', await probeWasm(), { metadata });
  const root = await invoked(
    api,
    commands(
      { op: 'publish', a: 'next:event', json: 'x' },
      { op: 'enqueue', a: 'listener', json: 'y', n: 0 },
    ),
  );
  const children = await until('three children', async () => {
    const { json } = await api.get(`/v1/invocations?parent_id=${root.request_id}`);
    return (
      json.count === 3 && json.invocations.every((one: JsonValue) => one.completed_at) && json.invocations
    );
  });
  t.deepEqual(
    children.map((one: JsonValue) => [one.function, one.trigger, one.trigger_depth, one.parent_id]).sort(),
    [
      ['listener', 'async', 1, root.request_id],
      ['listener', 'pubsub', 1, root.request_id],
      ['listener', 'pubsub', 1, root.request_id],
    ],
  );
  const parked = await api.invoke('probe', commands({ op: 'enqueue', a: 'listener', json: 'z', n: 600 }));
  const id = parked.headers.get('x-request-id');
  const live = await until('the queued invocation', async () => {
    const { json } = await api.get(`/v1/invocations?parent_id=${id}&status=queued`);
    return json.count === 1 && json.invocations[0];
  });
  t.like(live, { parent_id: id, trigger_depth: 1 });
});

test('a callback is delivered only by a 2xx reply; the invocation shows attempts and the last error', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const seen: { url: string; method: string; body: string }[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    const { url = '', method = '' } = request;
    seen.push({ url, method, body });
    const before = seen.filter((one) => one.url === url).length;
    if (url === '/moved') response.writeHead(302, { location: '/landed' }).end();
    else if (url === '/kept') response.writeHead(308, { location: '/landed' }).end();
    else if (url === '/twice' && before === 1) response.writeHead(304).end();
    else response.end('x'.repeat(100_000));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.2', resolve));
  t.teardown(() => server.close());
  const base = `http://127.0.0.2:${(server.address() as AddressInfo).port}`;
  const callbackOf = async (path: string, accept: (callback: JsonValue) => boolean) => {
    const headers = { ...ASYNC, 'x-callback-url': base + path };
    const { json } = await api.invoke('probe', '[]', headers);
    return until(`the callback to ${path}`, async () => {
      const { callback } = (await api.get(`/v1/invocations/${json.request_id}`)).json;
      return callback !== null && accept(callback) && callback;
    });
  };
  const [plain, moved, kept, twice] = await Promise.all([
    callbackOf('/plain', (one) => one.delivered_at !== null),
    callbackOf('/moved', (one) => one.attempts > 0),
    callbackOf('/kept', (one) => one.delivered_at !== null),
    callbackOf('/twice', (one) => one.delivered_at !== null),
  ]);
  t.like(plain, { url: `${base}/plain`, attempts: 1, last_error: null });
  t.regex(plain.delivered_at, /^\d{4}-.*Z$/);
  t.like(moved, { url: `${base}/moved`, delivered_at: null });
  t.regex(moved.last_error, /status 302/);
  t.like(kept, { attempts: 1, last_error: null });
  t.like(twice, { attempts: 2, last_error: null });
  t.deepEqual(
    seen.filter(({ url }) => url === '/landed').map(({ method, body }) => [method, JSON.parse(body).status]),
    [['POST', 'success']],
  );
});

test('invocations started by a message record its message_id and can be listed by message_id', async (t) => {
  const api = await aTenantWithProbe(await engine());
  await api.deploy('other', await probeWasm());
  for (const name of ['probe', 'other']) await api.post(`/v1/functions/${name}/triggers`, { topic: 'news' });
  const publish = async () => {
    const reply = await api.post('/v1/pubsub/publish', { topic: 'news', data: [] });
    t.deepEqual(reply.json, { status: 'ok', triggered: 2 });
    return reply.headers.get('x-message-id') ?? '';
  };
  const [one, two] = [await publish(), await publish()];
  t.not(one, two);
  const { json } = await until('both runs', async () => {
    const reply = await api.get(`/v1/invocations?message_id=${one}&status=success`);
    return reply.json.count === 2 && reply;
  });
  t.deepEqual(json.invocations.map((each: JsonValue) => each.function).sort(), ['other', 'probe']);
  t.true(json.invocations.every((each: JsonValue) => each.message_id === one && each.parent_id === null));
  t.false('message_id' in (await invoked(api, '[]')));
  t.is((await api.get('/v1/invocations?message_id=x')).status, 400);
  const stranger = await aTenant(await engine());
  t.is((await stranger.get(`/v1/invocations?message_id=${one}`)).json.count, 0);
});
