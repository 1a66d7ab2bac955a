import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import test from 'ava';
import { commands } from '../helpers/probe.js';
import { startEngine } from '../helpers/running-engine.js';
import { aTenantWithProbe } from './served.js';
import { connect } from './socket.js';

test('an engine that stops finishes the requests in flight and closes its sockets with 1001', async (t) => {
  const engine = await startEngine();
  t.teardown(engine.close);
  const api = await aTenantWithProbe(engine);
  const client = await connect(api.url, '/v1/pubsub/ws?topic=a', { 'x-api-key': api.key });
  const follow = await fetch(`${api.url}/v1/functions/probe/logs?follow=true`, {
    headers: { 'x-api-key': api.key },
  });
  const running = api.invoke('probe', commands({ op: 'sleep', n: 4000 }, { op: 'echo', a: 'done' }));
  // Wait until the call is running: the stream's first event is its log, so query the queue
  // instead.
  for (;;) {
    const { json } = await api.get('/v1/invocations?status=running');
    if (json.count > 0) break;
  }
  const stopped = engine.stop();
  t.is((await client.closed).code, 1001);
  const reply = await running;
  t.is(reply.status, 200, reply.text);
  t.deepEqual(reply.json, { results: [null, 'done'] });
  await follow.text();
  t.is(await stopped, 0);
});

test('a connection on which no request has come does not delay the stop', async (t) => {
  // Less than the engine waits for requests in flight.
  t.timeout(60_000);
  const engine = await startEngine({ env: { SHUTDOWN_SECONDS: '90' } });
  t.teardown(engine.close);
  const { hostname, port } = new URL(engine.url);
  // As browsers and HTTP clients open them in advance.
  const silent = connectTcp(Number(port), hostname);
  await once(silent, 'connect');
  const ended = once(silent.resume(), 'close');
  t.is(await engine.stop(), 0);
  await ended;
});
