import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import type { Api, JsonValue } from '../helpers/api.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { until } from '../helpers/until.js';
import { aTenant, aTenantWithProbe, sharedEngine } from './served.js';

const engine = sharedEngine({ env: { EGRESS_ALLOW: '127.0.0.2/32' } });
const ASYNC = { prefer: 'respond-async' };
const ENDS = ['success', 'error', 'timeout', 'dead', 'cancelled'];

async function ended(api: Api, id: string): Promise<JsonValue> {
  return until(`the end of ${id}`, async () => {
    const { json } = await api.get(`/v1/invocations/${id}`);
    return ENDS.includes(json.state) && json;
  });
}

async function invoked(api: Api, input: string | Uint8Array, headers = {}): Promise<JsonValue> {
  const reply = await api.invoke('probe', input, headers);
  return ended(api, reply.headers.get('x-request-id') ?? '');
}

function replay(api: Api, id: string, body: string, query = '') {
  const headers = { 'content-type': 'application/json' };
  return api.request('POST', `/v1/invocations/${id}/replay${query}`, body === '' ? {} : { headers, body });
}

test('an invocation record contains its input and output, as text or base64', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const input = commands({ op: 'echo', a: 'x' });
  const record = await invoked(api, input);
  t.like(record, { input, output: '{"results":["x"]}', parent_id: null, callback: null });
  const failed = await invoked(api, Uint8Array.from([0xff, 0x00]));
  t.like(failed, { input: null, input_base64: '/wA=' });
  const dead = await invoked(api, commands({ op: 'exit', n: 1 }), ASYNC);
  t.like(dead, { state: 'dead', input: commands({ op: 'exit', n: 1 }) });
  const { json } = await api.get('/v1/invocations?status=dead');
  t.is(json.invocations[0].input, commands({ op: 'exit', n: 1 }));
  const waiting = await api.invoke('probe', 'later', { ...ASYNC, 'x-delay-seconds': '600' });
  t.like((await api.get(`/v1/invocations/${waiting.json.request_id}`)).json, {
    state: 'queued',
    input: 'later',
    output: null,
    parent_id: null,
  });
});

test('lists omit inputs over 64 KB, and successful invocations do not keep inputs of that size', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const input = commands({ op: 'exit', n: 1, a: 'x'.repeat(70_000) });
  const dead = await invoked(api, input, ASYNC);
  t.is(dead.input, input);
  t.is((await api.get('/v1/invocations?status=dead')).json.invocations[0].input, null);
  const good = await invoked(api, commands({ op: 'wallet', a: 'x'.repeat(70_000) }));
  t.is(good.input, null);
  const refused = await replay(api, good.request_id, '');
  t.is(refused.status, 409, refused.text);
  t.regex(refused.json.error, /input .* is not kept any more/);
  t.is((await replay(api, good.request_id, '{"input":"[]"}')).status, 202);
});

test('an ended invocation can be replayed several times, and each replay records its parent_id', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const first = await invoked(api, commands({ op: 'echo', a: 'again' }));
  const ids: string[] = [];
  for (let n = 0; n < 2; n += 1) {
    const reply = await replay(api, first.request_id, '');
    t.is(reply.status, 202, reply.text);
    t.is(reply.headers.get('location'), `/v1/invocations/${reply.json.request_id}`);
    ids.push(reply.json.request_id);
  }
  for (const id of ids) {
    t.like(await ended(api, id), {
      trigger: 'replay',
      parent_id: first.request_id,
      output: '{"results":["again"]}',
      input: first.input,
    });
  }
  const children = await until('both replays', async () => {
    const { json } = await api.get(`/v1/invocations?parent_id=${first.request_id}&status=success`);
    return json.count === 2 && json.invocations;
  });
  t.deepEqual(children.map((one: JsonValue) => one.request_id).sort(), ids.sort());
  t.is((await api.get('/v1/invocations?parent_id=no-id')).status, 400);
});

test('a replay can use another input and the newest version; invalid bodies return 400', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const dead = await invoked(api, commands({ op: 'exit', n: 1 }), ASYNC);
  await api.deploy('probe', await probeWasm());
  const mended = commands({ op: 'echo', a: 'mended' });
  const asText = await replay(api, dead.request_id, JSON.stringify({ input: mended }), '?version=newest');
  t.is(asText.status, 202, asText.text);
  const record = await ended(api, asText.json.request_id);
  t.like(record, { state: 'success', version: 2, input: mended, parent_id: dead.request_id });
  t.is((await api.get(`/v1/invocations/${dead.request_id}`)).json.state, 'error');
  t.is((await replay(api, dead.request_id, '')).status, 409);

  const source = '[{"op":"echo","a":"as it is","n":1, "json":1.0}]';
  const asJson = await replay(api, record.request_id, `{"input":${source}}`);
  t.like(await ended(api, asJson.json.request_id), { input: source, state: 'success' });
  const base64 = Buffer.from([0xff]).toString('base64');
  const asBytes = await replay(api, record.request_id, JSON.stringify({ input_base64: base64 }));
  t.like(await ended(api, asBytes.json.request_id), { input: null, input_base64: base64 });

  for (const wrong of ['{"input":"a","input_base64":"YQ=="}', '{"input_base64":"%"}', '{"inptu":1}', '[]']) {
    t.is((await replay(api, record.request_id, wrong)).status, 400, wrong);
  }
  const large = JSON.stringify({ input: 'x'.repeat((1 << 20) + 1) });
  t.is((await replay(api, record.request_id, large)).status, 413);
});

test('replaying an invocation that has not ended returns 409, an unknown one 404', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const waiting = await api.invoke('probe', 'later', { ...ASYNC, 'x-delay-seconds': '600' });
  const refused = await replay(api, waiting.json.request_id, '');
  t.is(refused.status, 409);
  t.regex(refused.json.error, /has not ended/);
  const stranger = await aTenant(await engine());
  t.is((await replay(stranger, waiting.json.request_id, '')).status, 404);
  t.is((await replay(api, '0199c5a0-0000-7000-8000-000000000009', '')).status, 404);
});

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

test('callers with a credential receive the output of a failed function; a refusal returns 422', async (t) => {
  const api = await aTenantWithProbe(await engine(), { is_public: 'true' });
  const refused = await api.invoke(
    'probe',
    commands({ op: 'stdout', a: 'no such user' }, { op: 'exit', n: 65 }),
  );
  t.is(refused.status, 422, refused.text);
  t.like(refused.json, { status: 'error', code: 'function_refused', output: 'no such user' });
  const failed = await api.invoke('probe', commands({ op: 'stdout', a: 'oh' }, { op: 'exit', n: 79 }));
  t.is(failed.status, 500);
  t.like(failed.json, { code: 'function_error', output: 'oh' });
  t.false('output' in (await api.invoke('probe', commands({ op: 'exit', n: 1 }))).json);

  const path = `/v1/invoke/${api.namespace}/probe`;
  const body = commands({ op: 'stdout', a: 'secret' }, { op: 'exit', n: 64 });
  const anonymous = await api.as().request('POST', path, { body });
  t.is(anonymous.status, 422);
  t.false('output' in anonymous.json);

  const key = { 'idempotency-key': 'one' };
  t.is((await api.invoke('probe', body, key)).status, 422);
  const again = await api.invoke('probe', body, key);
  t.is(again.status, 422);
  t.like(again.json, { code: 'function_refused', output: 'secret' });
});

test('logs and dead letters of an unknown function return 404; those of a deleted function remain', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const of = (name: string) => [
    api.get(`/v1/functions/${name}/logs`),
    api.get(`/v1/functions/${name}/logs?follow=true`),
    api.get(`/v1/invocations?function=${name}&status=dead`),
    api.post(`/v1/functions/${name}/dead/replay`, {}),
    api.delete(`/v1/functions/${name}/dead`),
  ];
  for (const reply of await Promise.all(of('nosuch'))) {
    t.is(reply.status, 404, reply.text);
    t.is(reply.json.code, 'function_not_found');
  }
  await api.delete('/v1/functions/probe');
  t.is((await api.get('/v1/functions/probe/logs')).status, 200);
  t.is((await api.get('/v1/invocations?function=probe&status=dead')).status, 200);
  t.is((await api.delete('/v1/functions/probe/dead')).status, 200);
});

test('an impossible date such as 2026-02-30 returns 400 in every time parameter', async (t) => {
  const api = await aTenantWithProbe(await engine());
  for (const time of [
    '2026-02-30',
    '2026-02-30T00:00:00Z',
    '2025-02-29',
    '2026-04-31T01:00:00Z',
    '2026-13-01',
  ]) {
    t.is((await api.get(`/v1/functions/probe/logs?since=${time}`)).status, 400, time);
    t.is((await api.get(`/v1/invocations?since=${time}`)).status, 400, time);
    t.is((await api.get(`/v1/invocations?before=${time}`)).status, 400, time);
  }
  for (const time of ['2024-02-29', '2026-01-31T23:59:59.5Z', '2026-01-31T23:59%2B05:30']) {
    t.is((await api.get(`/v1/invocations?since=${time}`)).status, 200, time);
  }
});

test('a replay runs the version given in ?version; an unknown or invalid version is refused', async (t) => {
  const api = await aTenantWithProbe(await engine());
  await api.deploy('probe', await probeWasm());
  await api.deploy('probe', await probeWasm());
  const first = await invoked(api, commands({ op: 'echo', a: 'x' }));
  t.is(first.version, 3);
  const versionOf = async (query: string) => {
    const { status, json, text } = await replay(api, first.request_id, '', query);
    t.is(status, 202, text);
    return (await ended(api, json.request_id)).version;
  };
  t.is(await versionOf('?version=2'), 2);
  t.is(await versionOf('?version=pinned'), 3);
  const missing = await replay(api, first.request_id, '', '?version=9');
  t.is(missing.json.code, 'function_not_found');
  const wrong = await replay(api, first.request_id, '', '?version=zero');
  t.is(wrong.status, 400);
  t.regex(wrong.json.error, /version must be "pinned", "newest" or a version such as "3"/);
});

test('dead letters can be replayed and purged by reason', async (t) => {
  const api = await aTenantWithProbe(await engine());
  await invoked(api, commands({ op: 'exit', n: 1 }), ASYNC);
  const late = { ...ASYNC, 'x-delay-seconds': '2', 'x-max-age-seconds': '1' };
  const expired = await invoked(api, '[]', late);
  t.is(expired.state, 'dead');
  const dead = async (reason: string) =>
    (await api.get(`/v1/invocations?status=dead&reason=${reason}`)).json.count;
  t.deepEqual([await dead('error'), await dead('expired')], [1, 1]);
  t.is((await api.post('/v1/functions/probe/dead/replay?reason=timeout', {})).json.count, 0);
  t.is((await api.post('/v1/functions/probe/dead/replay?reason=expired', {})).json.count, 1);
  t.deepEqual([await dead('error'), await dead('expired')], [1, 0]);
  t.is((await api.delete('/v1/functions/probe/dead?reason=timeout')).json.count, 0);
  t.is((await api.delete('/v1/functions/probe/dead?reason=error')).json.count, 1);
  t.is(await dead('error'), 0);
  t.is((await api.delete('/v1/functions/probe/dead?reason=boredom')).status, 400);
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

test('dead letters are counted by function and reason, and can be replayed or purged by id', async (t) => {
  const api = await aTenantWithProbe(await engine());
  await api.deploy('other', await probeWasm());
  const die = async (n: number) => invoked(api, commands({ op: 'exit', n }), ASYNC);
  const letters = [await die(1), await die(2), await die(3)];
  const [one = '', two = '', three = ''] = letters.map(({ request_id: id }) => String(id));
  const expired = await api.invoke('other', '[]', {
    ...ASYNC,
    'x-delay-seconds': '2',
    'x-max-age-seconds': '1',
  });
  await ended(api, expired.json.request_id);
  const groups = async (as: Api = api) =>
    (await as.get('/v1/dead')).json.groups.map((each: JsonValue) => [each.function, each.reason, each.count]);
  await until('all of them', async () => (await api.get('/v1/dead')).json.count === 4);
  t.deepEqual(await groups(), [
    ['probe', 'error', 3],
    ['other', 'expired', 1],
  ]);
  const { json } = await api.get('/v1/dead');
  t.is(json.groups[0].oldest_at, letters[0].completed_at);
  t.is(json.groups[0].newest_at, letters[2].completed_at);
  const key = await api.post('/v1/auth/keys', { name: 'k', scopes: ['read'], functions: ['oth*'] });
  t.deepEqual(await groups(api.as(key.json.api_key)), [['other', 'expired', 1]]);

  const path = '/v1/functions/probe/dead';
  const purged = await api.delete(`${path}?request_id=${one},${expired.json.request_id}`);
  t.deepEqual([purged.status, purged.json], [200, { count: 1 }]);
  const replayed = await api.post(`${path}/replay?request_id=${one},${two}`, {});
  t.deepEqual([replayed.status, replayed.json], [202, { count: 1 }]);
  t.is((await api.post(`${path}/replay?request_id=${three}&reason=timeout`, {})).json.count, 0);
  t.is((await api.get(`/v1/invocations/${three}`)).json.state, 'dead');
  const again = await until('the replayed one', async () => {
    const { invocations } = (await api.get(`/v1/invocations?parent_id=${two}`)).json;
    return invocations[0]?.state === 'dead' && invocations[0];
  });
  const left = (await api.get('/v1/invocations?status=dead&function=probe')).json.invocations;
  t.deepEqual(left.map((each: JsonValue) => each.request_id).sort(), [three, again.request_id].sort());
  for (const wrong of ['no-id', '', `${one},`, Array(101).fill(one).join(',')]) {
    t.is((await api.delete(`${path}?request_id=${wrong}`)).status, 400, wrong);
  }
  t.is((await api.get('/v1/invocations?status=dead&function=probe')).json.count, 2);
});
