import { createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import { commands, probeWasm } from '../helpers/probe.js';
import { until } from '../helpers/until.js';
import { type aTenant, aTenantWithProbe, sharedEngine } from './served.js';

const engine = sharedEngine({ env: { EGRESS_ALLOW: '127.0.0.2/32' } });
const ASYNC = { prefer: 'respond-async' };

async function ended(api: Awaited<ReturnType<typeof aTenant>>, id: string) {
  return until(`the end of ${id}`, async () => {
    const { json } = await api.get(`/v1/invocations/${id}`);
    return ['success', 'error', 'timeout', 'dead', 'cancelled'].includes(json.state) && json;
  });
}

test('Prefer: respond-async returns 202 with the Location of the invocation, which records its result', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const reply = await api.invoke('probe', commands({ op: 'echo', a: 'later' }), ASYNC);
  t.is(reply.status, 202);
  t.deepEqual(reply.json, { request_id: reply.headers.get('x-request-id'), status: 'queued' });
  t.is(reply.headers.get('location'), `/v1/invocations/${reply.json.request_id}`);
  const record = await ended(api, reply.json.request_id);
  t.like(record, {
    request_id: reply.json.request_id,
    namespace: api.namespace,
    function: 'probe',
    version: 1,
    trigger: 'async',
    trigger_depth: 0,
    state: 'success',
    error: null,
    output: '{"results":["later"]}',
  });
  t.like(record.attempts[0], { number: 1, status: 'success', error: null });
  t.is(record.attempts.length, 1);
});

test('Prefer: wait=N returns 202 after N seconds if the invocation still runs, and the invocation completes', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const quick = await api.invoke('probe', '{}', { prefer: 'wait=60' });
  t.is(quick.status, 200);
  const slow = await api.invoke('probe', commands({ op: 'sleep', n: 3000 }), { prefer: 'wait=1' });
  t.is(slow.status, 202);
  t.is((await ended(api, slow.json.request_id)).state, 'success');
});

test('a repeated Idempotency-Key returns the same invocation and result; another body returns 422', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const key = { 'idempotency-key': 'order-1' };
  const input = commands({ op: 'cache_incr', a: 'ran', n: 1 });
  const first = await api.invoke('probe', input, key);
  t.deepEqual(first.json, { results: [1] });
  const again = await api.invoke('probe', input, key);
  t.is(again.status, 200);
  t.is(again.text, first.text);
  t.is(again.headers.get('x-request-id'), first.headers.get('x-request-id'));
  const other = await api.invoke('probe', '{}', key);
  t.is(other.status, 422);
  t.is(other.json.code, 'idempotency_mismatch');
});

test('X-Request-ID sets the id of the invocation; a used id returns 409, a value that is no UUID 400', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const id = randomUUID();
  const reply = await api.invoke('probe', commands({ op: 'request_id' }), { 'x-request-id': id });
  t.is(reply.headers.get('x-request-id'), id);
  t.deepEqual(reply.json, { results: [id] });
  t.is((await api.invoke('probe', '', { 'x-request-id': id })).status, 409);
  const wrong = await api.invoke('probe', '', { 'x-request-id': 'my-id' });
  t.is(wrong.status, 400);
  t.regex(wrong.json.error, /x-request-id/i);
});

test('X-Delay-Seconds delays an async invocation, which can be cancelled once; sync calls return 400', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const { json } = await api.invoke('probe', 'x', { ...ASYNC, 'x-delay-seconds': '600' });
  const id = json.request_id;
  t.is((await api.get(`/v1/invocations/${id}`)).json.state, 'queued');
  const cancelled = await api.delete(`/v1/invocations/${id}`);
  t.is(cancelled.status, 200);
  t.deepEqual(cancelled.json, { request_id: id, state: 'cancelled' });
  t.is((await ended(api, id)).state, 'cancelled');
  t.is((await api.delete(`/v1/invocations/${id}`)).status, 409);
  for (const seconds of ['5', '0']) {
    const sync = await api.invoke('probe', 'x', { 'x-delay-seconds': seconds });
    t.is(sync.status, 400, seconds);
    t.regex(sync.json.error, /respond-async/);
  }
  const now = await api.invoke('probe', 'x', { ...ASYNC, 'x-delay-seconds': '0' });
  t.is((await ended(api, now.json.request_id)).state, 'success');
  for (const wrong of ['-1', 'soon', '1e9']) {
    t.is((await api.invoke('probe', 'x', { ...ASYNC, 'x-delay-seconds': wrong })).status, 400, wrong);
  }
});

test('an invocation older than X-Max-Age-Seconds when dequeued becomes dead with reason expired', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const headers = { ...ASYNC, 'x-delay-seconds': '2', 'x-max-age-seconds': '1' };
  const { json } = await api.invoke('probe', 'x', headers);
  const record = await ended(api, json.request_id);
  t.is(record.state, 'dead');
  t.regex(record.error, /expired/);
  t.is(record.code, 'expired');
  t.deepEqual(record.attempts, []);
  t.is((await api.get(`/v1/functions/probe/logs?request_id=${json.request_id}`)).json.count, 0);
  const list = await api.get('/v1/invocations?status=dead&reason=expired');
  t.is(list.json.invocations[0].request_id, json.request_id);
});

test('dead invocations are listed, replayed one at a time or all together, and purged', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const fail = async () => {
    const { json } = await api.invoke('probe', commands({ op: 'exit', n: 65 }), ASYNC);
    await ended(api, json.request_id);
    return json.request_id as string;
  };
  const one = await fail();
  t.is((await ended(api, one)).state, 'dead');
  await api.deploy('probe', await probeWasm());

  const replayed = await api.post(`/v1/invocations/${one}/replay`, {});
  t.is(replayed.status, 202);
  t.like(await ended(api, replayed.json.request_id), { trigger: 'replay', version: 1, state: 'dead' });
  const newest = await api.post(`/v1/invocations/${replayed.json.request_id}/replay?version=newest`, {});
  t.like(await ended(api, newest.json.request_id), { version: 2, state: 'dead' });

  const second = await fail();
  await until('two dead ones', async () => {
    const { json } = await api.get('/v1/invocations?status=dead&function=probe');
    return json.count === 2;
  });
  const all = await api.post('/v1/functions/probe/dead/replay', {});
  t.is(all.status, 202);
  t.deepEqual(all.json, { count: 2 });
  await until('the replays are dead', async () => {
    const { json } = await api.get('/v1/invocations?status=dead');
    return (
      json.count === 2 && !json.invocations.some((one: { request_id: string }) => one.request_id === second)
    );
  });
  t.deepEqual((await api.delete('/v1/functions/probe/dead')).json, { count: 2 });
  t.is((await api.get('/v1/invocations?status=dead')).json.count, 0);
});

test('cursor pagination returns every invocation once; invalid query values return 400', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const ids = new Set<string>();
  for (let n = 0; n < 7; n += 1) {
    ids.add((await api.invoke('probe', '{}')).headers.get('x-request-id') ?? '');
  }
  await until('seven records', async () => (await api.get('/v1/invocations')).json.count === 7);
  const seen: string[] = [];
  let cursor: string | null = '';
  do {
    const page = await api.get(`/v1/invocations?limit=3${cursor ? `&cursor=${cursor}` : ''}`);
    t.is(page.status, 200);
    seen.push(...page.json.invocations.map(({ request_id }: { request_id: string }) => request_id));
    cursor = page.json.next_cursor;
  } while (cursor);
  t.deepEqual(seen.sort(), [...ids].sort());
  t.is((await api.get('/v1/invocations?cursor=nonsense')).status, 400);
  t.is((await api.get('/v1/invocations?limit=0')).status, 400);
  t.is((await api.get('/v1/invocations?status=unknown')).status, 400);
});

test('X-Callback-Url receives the signed result; URLs that the egress rules refuse return 400', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const { secret } = (await api.get('/v1/auth/callback-secret')).json;
  const server = createServer();
  server.listen(0, '127.0.0.2');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const received = new Promise<{ body: string; signature: unknown }>((resolve) => {
    server.on('request', async (request, response) => {
      let body = '';
      for await (const part of request) body += part;
      response.end();
      resolve({ body, signature: request.headers['x-orama-signature'] });
    });
  });
  const url = `http://127.0.0.2:${(server.address() as AddressInfo).port}/done`;
  const call = await api.invoke('probe', 'x', { ...ASYNC, 'x-callback-url': url });
  t.is(call.status, 202, call.text);
  const { body, signature } = await received;
  t.like(JSON.parse(body), { request_id: call.json.request_id, function: 'probe', status: 'success' });
  t.is(signature, `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`);

  const renewed = await api.post('/v1/auth/callback-secret', {});
  t.not(renewed.json.secret, secret);
  for (const refused of [
    'http://127.0.0.1:1/x',
    'http://169.254.169.254/',
    'http://[::1]/',
    'http://10.0.0.1/',
  ]) {
    const reply = await api.invoke('probe', 'x', { ...ASYNC, 'x-callback-url': refused });
    t.is(reply.status, 400, refused);
    t.is(reply.json.code, 'egress_refused', refused);
  }
  t.is((await api.invoke('probe', 'x', { ...ASYNC, 'x-callback-url': 'ftp://x' })).status, 400);
});

test('logs can be filtered, and followed as server-sent events that resume after Last-Event-ID', async (t) => {
  const api = await aTenantWithProbe(await engine());
  await api.invoke('probe', commands({ op: 'log', a: 'past' }));
  await api.invoke('probe', commands({ op: 'exit', n: 1 }));
  const logs = await until('two records', async () => {
    const { json } = await api.get('/v1/functions/probe/logs');
    return json.count === 2 && json;
  });
  t.like(logs, { name: 'probe', namespace: api.namespace });
  t.is(logs.logs[0].status, 'error');
  t.is((await api.get('/v1/functions/probe/logs?status=error')).json.count, 1);
  t.is((await api.get('/v1/functions/probe/logs?limit=1')).json.count, 1);
  const [, first] = logs.logs;
  t.is((await api.get(`/v1/functions/probe/logs?request_id=${first.request_id}`)).json.count, 1);
  t.is((await api.get('/v1/functions/probe/logs?since=1h')).json.count, 2);
  t.is((await api.get('/v1/functions/probe/logs?since=2999-01-01T00:00:00Z')).json.count, 0);
  t.is((await api.get('/v1/functions/probe/logs?since=yesterday')).status, 400);
  t.is((await api.get('/v1/functions/probe/logs?limit=5000')).status, 400);

  const follow = (headers: Record<string, string> = {}, query = '') => {
    const ids: string[] = [];
    const aborter = new AbortController();
    const events: { id?: string; data: string }[] = [];
    const reading = fetch(`${api.url}/v1/functions/probe/logs?follow=true${query}`, {
      headers: { 'x-api-key': api.key, ...headers },
      signal: aborter.signal,
    }).then(async (response) => {
      t.regex(response.headers.get('content-type') ?? '', /^text\/event-stream/);
      let text = '';
      for await (const part of response.body ?? []) {
        text += Buffer.from(part).toString();
        const blocks = text.split('\n\n');
        text = blocks.pop() ?? '';
        for (const block of blocks) {
          const id = /^id: (.*)$/m.exec(block)?.[1];
          const data = /^data: (.*)$/m.exec(block)?.[1];
          if (id !== undefined) ids.push(id);
          if (data !== undefined) events.push(id === undefined ? { data } : { id, data });
        }
      }
    });
    reading.catch(() => undefined);
    return { events, ids, stop: () => aborter.abort() };
  };

  const past = follow({}, '&limit=10');
  await until('the past', async () => past.events.length === 2);
  t.like(JSON.parse(past.events[0]?.data ?? ''), { request_id: first.request_id });
  await api.invoke('probe', commands({ op: 'log', a: 'live' }));
  await until('a live record', async () => past.events.length === 3);
  const position = past.events[2]?.id ?? '';
  t.not(position, '');
  past.stop();

  await api.invoke('probe', commands({ op: 'log', a: 'missed' }));
  const resumed = follow({ 'last-event-id': position });
  await until('the record that was missed', async () => resumed.events.length === 1);
  t.is(JSON.parse(resumed.events[0]?.data ?? '').messages[0].message, 'missed');
  resumed.stop();

  const empty = follow({ 'last-event-id': '' });
  await until('a position before the first record', async () => empty.ids.length === 1);
  empty.stop();
  await api.invoke('probe', commands({ op: 'log', a: 'after it' }));
  const again = follow({ 'last-event-id': empty.ids[0] ?? '' });
  await until('the record that was missed', async () => again.events.length === 1);
  t.is(JSON.parse(again.events[0]?.data ?? '').messages[0].message, 'after it');
  again.stop();
  t.deepEqual(empty.events, [], 'an empty id begins now');

  for (const id of ['x', '-1', '1.5', '1e3', '9'.repeat(16)]) {
    const headers = { 'x-api-key': api.key, 'last-event-id': id };
    const response = await fetch(`${api.url}/v1/functions/probe/logs?follow=true`, { headers });
    t.is(response.status, 400, id);
    t.regex(await response.text(), /last-event-id must be the id of an event of the stream/);
  }

  const elsewhere = follow({ 'last-event-id': '999999999' });
  await until('the newest records', async () => elsewhere.events.length === 5);
  await api.invoke('probe', commands({ op: 'log', a: 'new' }));
  await until('a new record', async () => elsewhere.events.length === 6);
  t.is(JSON.parse(elsewhere.events[5]?.data ?? '').messages[0].message, 'new');
  elsewhere.stop();
});
