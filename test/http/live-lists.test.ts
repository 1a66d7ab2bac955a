import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { readEvents } from '../../src/cli/server-events.js';
import type { Api, JsonValue } from '../helpers/api.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { until } from '../helpers/until.js';
import { aTenant, aTenantWithProbe, sharedEngine } from './served.js';

const engine = sharedEngine();

/** The events of a stream of server-sent events so far. */
interface Followed {
  events: JsonValue[];
  /** Resolves when the server has ended the stream. */
  ended: Promise<void>;
  stop(): void;
}

async function follow(api: Api, path: string): Promise<Followed> {
  const control = new AbortController();
  const response = await fetch(api.url + path, {
    headers: { 'x-api-key': api.key ?? '' },
    signal: control.signal,
  });
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  const events: JsonValue[] = [];
  const read = async () => {
    for await (const { data } of readEvents(response.body ?? new ReadableStream())) {
      if (data !== undefined) events.push(JSON.parse(data));
    }
  };
  return { events, ended: read().catch(() => undefined), stop: () => control.abort() };
}

/** The list is read, and sent if it has changed, at most this often; timers may be 1 ms early. */
const INTERVAL_MS = 1999;

const stateOf = ({ request_id, state, completed_at }: JsonValue) => [request_id, state, completed_at];

const last = (events: readonly JsonValue[]) => events.at(-1);

test('a followed list is sent at once and again when an invocation ends', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const list = await follow(api, '/v1/invocations?follow=true&limit=5');
  await until('the first page', async () => list.events.length === 1);
  t.deepEqual(list.events[0], { invocations: [], count: 0, next_cursor: null });
  const { headers } = await api.invoke('probe', commands({ op: 'echo', a: 'x' }));
  const id = headers.get('x-request-id');
  const record = await until('the invocation in the list', async () => last(list.events).invocations[0]);
  t.like(record, { request_id: id, state: 'success', input: null, output: null });
  // The list without `follow` contains them.
  t.not((await api.get('/v1/invocations')).json.invocations[0].input, null);
  list.stop();
});

test('a followed list contains a queued invocation, which changes to cancelled after cancellation', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const list = await follow(api, '/v1/invocations?follow=true');
  const delayed = await api.invoke('probe', '[]', { prefer: 'respond-async', 'x-delay-seconds': '600' });
  await until('the queued one', async () => last(list.events)?.invocations[0]?.state === 'queued');
  await api.request('DELETE', `/v1/invocations/${delayed.json.request_id}`);
  // Between its removal from the queue and the write of its end, a page may lack it.
  await until('the end', async () => last(list.events).invocations[0]?.state === 'cancelled');
  list.stop();
  t.pass();
});

test('a followed list is sent at a limited rate under load, and not at all while nothing changes', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const from = performance.now();
  const list = await follow(api, '/v1/invocations?follow=true');
  let made = 0;
  for (; performance.now() - from < 2500; made++) await api.invoke('probe', '[]');
  const atMost = () => 1 + Math.floor((performance.now() - from) / INTERVAL_MS);
  t.true(list.events.length <= atMost(), `${list.events.length} events, not ${atMost()}`);
  // A reply comes before the end of its invocation is durable.
  const lastCall = await api.invoke('probe', '[]');
  made++;
  const stored = async () => (await api.get('/v1/invocations')).json.invocations;
  await until('the ends of all are stored', async () => {
    const invocations = await stored();
    return (
      invocations.length === Math.min(made, 50) &&
      invocations[0].request_id === lastCall.headers.get('x-request-id') &&
      invocations.every(({ state }: { state: string }) => state === 'success')
    );
  });
  const wanted = JSON.stringify((await stored()).map(stateOf));
  await until('the last page', () => JSON.stringify(last(list.events).invocations.map(stateOf)) === wanted);
  const { length } = list.events;
  t.true(length <= atMost(), `${length} events, not ${atMost()}`);
  await sleep(2.5 * INTERVAL_MS);
  t.is(list.events.length, length);
  list.stop();
});

test('filters and the functions of a key apply to a followed list', async (t) => {
  const api = await aTenantWithProbe(await engine());
  await api.deploy('other', await probeWasm());
  const { json: key } = await api.post('/v1/auth/keys', {
    ...{ name: 'k', scopes: ['read'], functions: ['other'] },
  });
  const limited = await follow(api.as(key.api_key), '/v1/invocations?follow=true');
  const filtered = await follow(api, '/v1/invocations?follow=true&function=probe&status=error');
  await api.invoke('probe', commands({ op: 'exit', n: 1 }));
  await api.invoke('other', '[]');
  await until('the invocation of the permitted function', async () => last(limited.events)?.count === 1);
  t.is(last(limited.events).invocations[0].function, 'other');
  await until('the failed one', async () => last(filtered.events)?.count === 1);
  t.is(last(filtered.events).invocations[0].function, 'probe');
  limited.stop();
  filtered.stop();

  const refused = await api.as(key.api_key).get('/v1/invocations?follow=true&function=probe');
  t.is(refused.json.code, 'insufficient_scope');
  t.is((await api.get('/v1/invocations?follow=true&function=never')).json.code, 'function_not_found');
  t.is((await api.as().get('/v1/invocations?follow=true')).status, 401);
});

test('a followed list ends when its API key is revoked', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const { json: key } = await api.post('/v1/auth/keys', { name: 'k', scopes: ['read'] });
  const list = await follow(api.as(key.api_key), '/v1/invocations?follow=true');
  await api.request('DELETE', `/v1/auth/keys/${key.id}`);
  await list.ended;
  t.pass();
});

test('a followed invocation is sent from state queued to success; another namespace gets 404', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const { json } = await api.invoke('probe', '[]', { prefer: 'respond-async', 'x-delay-seconds': '4' });
  const one = await follow(api, `/v1/invocations/${json.request_id}?follow=true`);
  await until('the end', async () => last(one.events)?.state === 'success');
  t.is(one.events[0].state, 'queued');
  t.not(last(one.events).output, null);
  await one.ended;
  t.is(one.events.filter(({ state }) => state === 'success').length, 1);
  const stranger = await aTenant(await engine());
  t.is((await stranger.get(`/v1/invocations/${json.request_id}?follow=true`)).status, 404);
});

test('the stream of an invocation that has ended consists of its record', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const { headers } = await api.invoke('probe', commands({ op: 'echo', a: 'x' }));
  const path = `/v1/invocations/${headers.get('x-request-id')}`;
  const one = await follow(api, `${path}?follow=true`);
  await one.ended;
  t.deepEqual(one.events, [(await api.get(path)).json]);
});
