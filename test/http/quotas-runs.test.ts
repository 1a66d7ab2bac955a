import test from 'ava';
import type { Api } from '../helpers/api.js';
import { httpServer } from '../helpers/http-server.js';
import { commands } from '../helpers/probe.js';
import { until } from '../helpers/until.js';
import { engine, isRefusal, setQuotas, untilRefused, usage } from './quota-engine.js';
import { aTenant, aTenantWithProbe } from './served.js';
import { connect, refusedUpgrade } from './socket.js';

const ASYNC = { prefer: 'respond-async' };

test('a namespace beyond its queue quotas gets 429, and another namespace is served meanwhile', async (t) => {
  const [attacker, victim] = [await aTenantWithProbe(await engine()), await aTenantWithProbe(await engine())];
  await setQuotas(attacker, { waiting_jobs: 20, delayed_jobs: 3, waiting_mb: 1 });
  const slow = commands({ op: 'sleep', n: 4000 });
  // More jobs than can run and wait, however slow the machine.
  const replies = await Promise.all(Array.from({ length: 200 }, () => attacker.invoke('probe', slow, ASYNC)));
  const refused = replies.find(({ status }) => status !== 202);
  if (refused === undefined) return t.fail('never refused');
  t.true(isRefusal(refused, 429, 'waiting_jobs'), refused.text);
  const publish = await attacker.post('/v1/pubsub/publish', { topic: 'nobody hears', data: 1 });
  t.is(publish.status, 400);
  const called = await victim.invoke('probe', commands({ op: 'echo', a: 'served' }));
  t.is(called.text, '{"results":["served"]}');

  const later = { ...ASYNC, 'x-delay-seconds': '3600' };
  const delayed = await untilRefused(() => attacker.invoke('probe', '{}', later), 10);
  t.true(isRefusal(delayed, 429, 'delayed_jobs'), delayed.text);
  t.is((await usage(attacker)).delayed_jobs?.used, 3);

  await setQuotas(victim, { waiting_mb: 1 });
  const big = JSON.stringify({ pad: 'x'.repeat(400_000) });
  const heavy = await untilRefused(() => victim.invoke('probe', big, later), 10);
  t.true(isRefusal(heavy, 429, 'waiting_mb'), heavy.text);
});

test('requests_per_minute limits one namespace and no other', async (t) => {
  const [busy, calm] = [await aTenant(await engine()), await aTenant(await engine())];
  await setQuotas(busy, { requests_per_minute: 20 });
  const refused = await untilRefused(() => busy.get('/v1/functions'));
  t.true(isRefusal(refused, 429, 'requests_per_minute'), refused.text);
  t.is((await calm.get('/v1/functions')).status, 200);
});

test('sockets and event streams beyond the sockets quota return 429, and closed ones no longer count', async (t) => {
  const tenant = await aTenantWithProbe(await engine());
  await setQuotas(tenant, { sockets: 2 });
  const headers = { 'x-api-key': tenant.key };
  const first = await connect(tenant.url, '/v1/pubsub/ws?topic=a', headers);
  const second = await connect(tenant.url, '/v1/functions/probe/ws', headers);
  t.is((await usage(tenant)).sockets?.used, 2);
  const stream = await tenant.get('/v1/functions/probe/logs?follow=true');
  t.true(isRefusal(stream, 429, 'sockets'), stream.text);
  const upgrade = await refusedUpgrade(tenant.url, '/v1/pubsub/ws?topic=b', headers);
  t.like(upgrade, { status: 429, json: { code: 'quota_exceeded' } });
  first.ws.close();
  await until('one socket is open', async () => (await usage(tenant)).sockets?.used === 1);
  const third = await connect(tenant.url, '/v1/pubsub/ws?topic=b', headers);
  second.ws.close();
  third.ws.close();
  await until('no socket is open', async () => (await usage(tenant)).sockets?.used === 0);
  const gone = new AbortController();
  const following = fetch(`${tenant.url}/v1/functions/probe/logs?follow=true`, {
    headers,
    signal: gone.signal,
  });
  t.is((await following).status, 200);
  t.is((await usage(tenant)).sockets?.used, 1);
  gone.abort();
  await until('the stream no longer counts', async () => (await usage(tenant)).sockets?.used === 0);
});

test('cache_mb and storage_mb limit functions and HTTP calls of a namespace, and no other namespace', async (t) => {
  const [tenant, other] = [await aTenantWithProbe(await engine()), await aTenantWithProbe(await engine())];
  const { storage_mb: stored } = await usage(tenant);
  await setQuotas(tenant, { cache_mb: 1, storage_mb: Math.ceil(stored?.used ?? 0) });
  const value = 'x'.repeat(300_000);
  const put = (api: Api) => (time: number) => api.post('/v1/cache/put', { key: `k${time}`, value });
  const full = await untilRefused(put(tenant), 10);
  t.true(isRefusal(full, 413, 'cache_mb'), full.text);
  const called = await tenant.invoke('probe', commands({ op: 'cache_set', a: 'big', b: value, n: 0 }), {
    'x-request-id': crypto.randomUUID(),
  });
  t.is(called.status, 200);
  const record = await until('the log record', async () => {
    const { json } = await tenant.get(
      `/v1/functions/probe/logs?request_id=${called.headers.get('x-request-id')}`,
    );
    return json.logs[0];
  });
  t.regex(JSON.stringify(record.messages), /cache_mb/);
  t.is((await put(other)(0)).status, 200);

  const upload = (api: Api, bytes: number) => {
    const form = new FormData();
    form.set('file', new Blob([Buffer.alloc(bytes, String(bytes))]), 'file.bin');
    return api.request('POST', '/v1/storage/upload', { body: form });
  };
  const refused = await upload(tenant, 2 << 20);
  t.true(isRefusal(refused, 413, 'storage_mb'), refused.text);
  t.is((await upload(other, 2 << 20)).status, 200);
});

test('published and enqueued jobs of one invocation count against jobs_per_invocation', async (t) => {
  const tenant = await aTenantWithProbe(await engine());
  await setQuotas(tenant, { jobs_per_invocation: 5 });
  await tenant.post('/v1/functions/probe/triggers', { topic: 'fan' });
  const publishes = Array.from({ length: 3 }, () => ({ op: 'publish', a: 'fan', json: [] }));
  const enqueues = Array.from({ length: 4 }, () => ({ op: 'enqueue', a: 'probe', json: [], n: 0 }));
  const reply = await tenant.invoke('probe', commands(...publishes, ...enqueues));
  const { results } = reply.json;
  t.deepEqual(results.slice(0, 3), [1, 1, 1]);
  t.is(results.slice(3).filter((id: string) => id !== '').length, 2);
  const { logs } = await until('the log record', async () => {
    const { json } = await tenant.get(
      `/v1/functions/probe/logs?request_id=${reply.headers.get('x-request-id')}`,
    );
    return json.count > 0 && json;
  });
  t.regex(JSON.stringify(logs[0].messages), /jobs_per_invocation.* 5 of 5/);
  // The next invocation has a new budget.
  const next = await tenant.invoke('probe', commands({ op: 'enqueue', a: 'probe', json: [], n: 0 }));
  t.truthy(next.json.results[0]);
});

test('a function that calls itself with http_fetch stops at the trigger depth; a forged depth is ignored', async (t) => {
  const running = await engine();
  const tenant = await aTenantWithProbe(running, { is_public: 'true' });
  const self = `${running.url}/v1/invoke/${tenant.namespace}/probe`;
  let input: unknown = [{ op: 'echo', a: 'end' }];
  for (let level = 0; level < 8; level += 1) input = [{ op: 'fetch', a: 'POST', b: self, json: input }];
  const reply = await tenant.invoke('probe', JSON.stringify(input));
  t.is(reply.status, 200);
  t.true(reply.text.includes('loop_detected'), reply.text);
  const depths = await until('all have ended', async () => {
    const { json } = await tenant.get('/v1/invocations?function=probe');
    return json.count === 6 && json.invocations.map((one: { trigger_depth: number }) => one.trigger_depth);
  });
  t.deepEqual(depths.sort(), [0, 1, 2, 3, 4, 5]);
  const forged = await tenant.invoke('probe', '[]', { 'x-orama-depth': '5.forged' });
  t.is(forged.status, 200, 'an unsigned depth is ignored');
});

test('a namespace has as many guests as its quota says: a call beyond waits a while and is refused, an event waits on', async (t) => {
  const [tenant, other] = [await aTenantWithProbe(await engine()), await aTenantWithProbe(await engine())];
  await setQuotas(tenant, { concurrent_guests: 1 });
  const asleep = { op: 'sleep', n: 14_000 };
  const slow = tenant.invoke('probe', commands(asleep));
  await until('it runs', async () => (await usage(tenant)).concurrent_guests?.used === 1);
  const call = commands({ op: 'echo', a: 'call' });
  const [waited, refused, beside] = await Promise.all([
    tenant.invoke('probe', commands({ op: 'echo', a: 'event' }), ASYNC),
    tenant.invoke('probe', call, { 'idempotency-key': 'refused' }),
    other.invoke('probe', commands({ op: 'echo', a: 'beside' })),
  ]);
  t.is(beside.text, '{"results":["beside"]}');
  t.true(isRefusal(refused, 429, 'concurrent_guests'), refused.text);
  t.regex(refused.json.error, /1 of 1 are used/);
  t.is((await slow).status, 200);
  // What was refused has not run, and says why.
  const { json: ended } = await tenant.get(`/v1/invocations/${refused.headers.get('x-request-id')}`);
  t.like(ended, { state: 'error', attempts: [] });
  const again = await tenant.invoke('probe', call, { 'idempotency-key': 'refused' });
  t.is(again.text, '{"results":["call"]}', 'a refused call releases its key');
  await until('the event has run', async () => {
    const { json } = await tenant.get(`/v1/invocations/${waited.json.request_id}`);
    return json.state === 'success';
  });
  // A burst of quick calls runs one after the other.
  const burst = await Promise.all(Array.from({ length: 6 }, () => tenant.invoke('probe', '[]')));
  t.true(burst.every(({ status }) => status === 200));
});

test('beyond log_mb_per_day calls return 429, and events still run, recorded without their lines', async (t) => {
  const [tenant, other] = [await aTenantWithProbe(await engine()), await aTenantWithProbe(await engine())];
  await setQuotas(tenant, { log_mb_per_day: 1 });
  t.is((await tenant.post('/v1/functions/probe/triggers', { topic: 'logged' })).status, 201);
  const lines = commands(...Array.from({ length: 4 }, () => ({ op: 'log', a: 'x'.repeat(60_000) })));
  const call = (headers = {}) => tenant.invoke('probe', lines, headers);
  const refused = await untilRefused(() => call(), 20);
  t.true(isRefusal(refused, 429, 'log_mb_per_day'), refused.text);
  t.regex(refused.json.error, /1 MB of 1 MB are used/);
  t.true(Number(refused.headers.get('retry-after')) <= 86_400);
  t.true(isRefusal(await call(ASYNC), 429, 'log_mb_per_day'));
  await until('the use is shared', async () => (await usage(tenant)).log_mb_per_day?.used === 1);
  t.is((await other.invoke('probe', lines)).status, 200, 'other namespaces are not affected');

  t.is((await tenant.post('/v1/pubsub/publish', { topic: 'logged', data: JSON.parse(lines) })).status, 200);
  const { status, messages } = await until('the log record of the event', async () => {
    const { json } = await tenant.get('/v1/functions/probe/logs?limit=20');
    return json.logs.find(({ trigger }: { trigger: string }) => trigger === 'pubsub');
  });
  t.is(status, 'success');
  t.regex(messages[0].message, /^4 lines are left out of this log\. The quota log_mb_per_day .*1 MB of 1 MB/);
  t.is(messages.length, 1);

  t.is((await call({ 'idempotency-key': 'answered' })).json.code, 'quota_exceeded');
  await setQuotas(tenant, { log_mb_per_day: 2 });
  const answered = { 'idempotency-key': 'answered' };
  const first = await tenant.invoke('probe', '[]', answered);
  await setQuotas(tenant, { log_mb_per_day: 1 });
  t.is((await tenant.invoke('probe', '[]', answered)).text, first.text, 'the repetition needs no log');
  await setQuotas(tenant, { log_mb_per_day: 2 });
  t.is((await call()).status, 200, 'a larger quota is effective immediately');
});

test('undelivered callbacks are limited by waiting_jobs, and their outputs by waiting_mb', async (t) => {
  const posts: { request_id: string; status: string; output: string | null; output_omitted?: true }[] = [];
  const receiver = await httpServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    posts.push(JSON.parse(body));
    response.writeHead(503).end();
  });
  t.teardown(receiver.close);
  const [tenant, other] = [await aTenantWithProbe(await engine()), await aTenantWithProbe(await engine())];
  await setQuotas(tenant, { waiting_mb: 1, waiting_jobs: 3 });
  const headers = { ...ASYNC, 'x-callback-url': receiver.url };
  const send = (api: Api, size: number) =>
    api.invoke('probe', commands({ op: 'echo', a: 'x'.repeat(size) }), headers);
  const posted = (id: string) =>
    until(`the callback of ${id}`, async () => posts.find((one) => one.request_id === id));
  const omitted: unknown[] = [];
  for (let n = 0; n < 3; n += 1) {
    const { json } = await send(tenant, 600_000);
    const { status, output, output_omitted = false } = await posted(json.request_id);
    t.is(status, 'success');
    t.is(output === null, output_omitted);
    omitted.push(output_omitted);
  }
  t.deepEqual(omitted, [false, true, true]);
  const refused = await send(tenant, 1);
  t.true(isRefusal(refused, 429, 'waiting_jobs'), refused.text);
  t.is((await tenant.invoke('probe', '{}', ASYNC)).status, 202, 'without a callback there is room');
  const theirs = await send(other, 600_000);
  t.is((await posted(theirs.json.request_id)).output_omitted, undefined);
});
