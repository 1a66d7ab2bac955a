import test from 'ava';
import { commands, probeWasm } from '../helpers/probe.js';
import { sameBytes } from '../helpers/same-bytes.js';
import { aTenant, aTenantWithProbe, sharedEngine } from './served.js';

const engine = sharedEngine();

test('output that starts with { or [ is the reply body, other text is wrapped in JSON, bytes are base64', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const object = await api.invoke('probe', '{"a": 1}');
  t.is(object.text, '{"a": 1}');
  t.regex(object.headers.get('content-type') ?? '', /^application\/json/);
  t.is((await api.invoke('probe', commands({ op: 'echo', a: 'x' }))).text, '{"results":["x"]}');

  const text = await api.invoke('probe', 'plain');
  t.is(text.status, 200);
  t.like(text.json, { output: 'plain', status: 'success' });
  t.is(text.json.request_id, text.headers.get('x-request-id'));
  t.is(typeof text.json.duration_ms, 'number');
  t.is(text.headers.get('x-duration-ms'), String(text.json.duration_ms));
  t.is(text.headers.get('x-attempts'), '1');
  t.is(text.headers.get('x-function-version'), '1');

  const binary = Uint8Array.from([0xff, 0xfe, 0, 1]);
  const wrapped = await api.invoke('probe', binary);
  t.is(wrapped.json.output, undefined);
  sameBytes(t, Buffer.from(wrapped.json.output_base64, 'base64'), binary);
  const bare = await fetch(`${api.url}/v1/functions/probe/invoke`, {
    method: 'POST',
    headers: { 'x-api-key': api.key, accept: 'application/octet-stream' },
    body: binary,
  });
  t.is(bare.headers.get('content-type'), 'application/octet-stream');
  sameBytes(t, new Uint8Array(await bare.arrayBuffer()), binary);
  const outputFor = async (accept: string) => (await api.invoke('probe', 'plain', { accept })).text;
  for (const accept of ['Application/Octet-Stream', 'text/plain, application/octet-stream;q=0.5']) {
    t.is(await outputFor(accept), 'plain', accept);
  }
  for (const accept of [
    '*/*',
    'application/*',
    'application/octet-stream;q=0, */*',
    'application/octet-stream2',
  ]) {
    t.regex(await outputFor(accept), /"output":"plain"/, accept);
  }

  t.like((await api.invoke('probe', '')).json, { output: '', status: 'success' });
});

test('the reply to a failed call contains request_id, status, error, code and duration_ms', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const failed = await api.invoke('probe', commands({ op: 'exit', n: 3 }));
  t.is(failed.status, 500);
  t.like(failed.json, { status: 'error', code: 'function_error' });
  t.regex(failed.json.error, /3/);
  t.is(failed.json.request_id, failed.headers.get('x-request-id'));
  t.is((await api.deploy('late', await probeWasm(), { timeout_seconds: '1' })).status, 201);
  const late = await api.invoke('late', commands({ op: 'sleep', n: 5000 }));
  t.is(late.status, 504);
  t.like(late.json, { status: 'timeout', code: 'function_timeout' });

  const absent = await api.invoke('absent', '');
  t.is(absent.status, 404);
  t.deepEqual(Object.keys(absent.json).sort(), ['code', 'duration_ms', 'error', 'request_id', 'status']);
});

test('name@version runs that version; unknown versions return 404, malformed names 400', async (t) => {
  const api = await aTenantWithProbe(await engine());
  await api.deploy('probe', await probeWasm());
  t.is((await api.invoke('probe', 'x')).headers.get('x-function-version'), '2');
  t.is((await api.invoke('probe@1', 'x')).headers.get('x-function-version'), '1');
  t.is((await api.invoke('probe@7', 'x')).status, 404);
  t.is((await api.invoke('probe@x', 'x')).status, 404, 'an unknown alias');
  for (const name of [
    'probe@0',
    'probe@-1',
    'probe@1x',
    'probe@1@2',
    '@1',
    'a%2Fb',
    '..%2F..',
    '%00',
    '%E0%A4%A',
  ]) {
    const refused = await api.invoke(name, 'x');
    t.is(refused.status, 400, name);
    t.is(refused.json.code, 'invalid_request', name);
  }
});

test('a 1 MB input is accepted, and larger inputs return 413 with or without Content-Length', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const most = new Uint8Array(1 << 20).fill(0x20);
  t.is((await api.invoke('probe', most)).status, 200);
  const declared = await api.invoke('probe', new Uint8Array((2 << 20) + 1));
  t.is(declared.status, 413);
  t.is(declared.json.code, 'payload_too_large');
  const chunks = new ReadableStream({
    start(controller) {
      for (let sent = 0; sent < 33; sent += 1) controller.enqueue(new Uint8Array(65_536));
      controller.close();
    },
  });
  const streamed = await fetch(`${api.url}/v1/functions/probe/invoke`, {
    method: 'POST',
    headers: { 'x-api-key': api.key },
    body: chunks,
    duplex: 'half',
  } as RequestInit);
  t.is(streamed.status, 413);
});

test('whether an anonymous call without a version is accepted depends on the versions of the alias live', async (t) => {
  const tenant = await aTenant(await engine());
  const anonymous = tenant.as();
  const deploy = async (isPublic: boolean) =>
    tenant.deploy('fn', await probeWasm(), { is_public: String(isPublic) });
  const call = async (ref: string) =>
    (await anonymous.request('POST', `/v1/invoke/${tenant.namespace}/${ref}`, { body: commands() })).status;
  const live = (target: object) => tenant.put('/v1/functions/fn/aliases/live', target);
  await deploy(true);
  await live({ version: 1 });
  await deploy(false);
  t.is(await call('fn'), 200);
  t.is(await call('fn@1'), 401, 'an old version is public only while the newest is');
  t.is(await call('fn@live'), 401);
  await live({ version: 1, weights: { 2: 1 } });
  t.is(await call('fn'), 401, 'a version that can be drawn is private');
  await live({ version: 2 });
  t.is(await call('fn'), 401);
  await deploy(true);
  t.is(await call('fn'), 401, 'the newest is public, but not live');
});

test('a namespace in the query of /v1/invoke that differs from the one in the path returns 403', async (t) => {
  const tenant = await aTenantWithProbe(await engine(), { is_public: 'true' });
  const path = `/v1/invoke/${tenant.namespace}/probe`;
  for (const api of [tenant, tenant.as()]) {
    const call = (query: string) => api.request('POST', path + query, { body: commands() });
    t.is((await call(`?namespace=${tenant.namespace}`)).status, 200);
    const other = await call('?namespace=default');
    t.is(other.status, 403, other.text);
    t.is(other.json.code, 'forbidden');
    t.regex(other.json.error, /"default"/);
    t.is((await call('?namespace=a%20b')).status, 400);
  }
});
