import { createHash } from 'node:crypto';
import test from 'ava';
import { uuidOf } from '../../src/uuid.js';
import type { JsonValue } from '../helpers/api.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { until } from '../helpers/until.js';
import { ASYNC, ended, invoked, replay } from './invoked.js';
import { aTenant, aTenantWithProbe, sharedEngine } from './served.js';

const engine = sharedEngine();

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

test('nobody can take the id of a replay beforehand, and so prevent it', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const other = await aTenantWithProbe(await engine());
  const dead = await invoked(api, commands({ op: 'exit', n: 1 }), ASYNC);
  // Computed from what the receiver of a callback knows.
  const digest = createHash('sha256').update(`replay:${dead.request_id}:1`).digest();
  const id = uuidOf(Date.parse(dead.completed_at), digest);
  t.is((await other.invoke('probe', commands({ op: 'wallet' }), { 'x-request-id': id })).status, 200);
  const { json } = await replay(api, dead.request_id, '');
  t.like(await ended(api, json.request_id), { trigger: 'replay', parent_id: dead.request_id });
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
  t.is((await replay(api, dead.request_id, '')).status, 202, 'again, as it was');

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
