import test from 'ava';
import { startCluster } from '../helpers/cluster.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { until } from '../helpers/until.js';

test('an ended invocation is not run again while a full queue delays its on_success event', async (t) => {
  const cluster = await startCluster();
  t.teardown(cluster.close);
  const [{ api }] = await Promise.all([cluster.web(), cluster.worker({ QUEUE_MAX_WAITING: '1' })]);
  // One job more than such an event may exceed the limit by.
  const listeners = { triggers: [{ topic: 'done' }, { topic: '*' }] };
  await api.deploy('listener', await probeWasm(), { metadata: JSON.stringify(listeners) });
  await api.deploy('probe', await probeWasm(), { metadata: JSON.stringify({ on_success: 'done' }) });

  const parked = await api.invoke('listener', '{}', { prefer: 'respond-async', 'x-delay-seconds': '600' });
  const reply = await api.invoke('probe', commands({ op: 'cache_incr', a: 'ran', n: 1 }));
  t.deepEqual(reply.json, { results: [1] });
  const id = reply.headers.get('x-request-id');
  await until('the event waits for room in the queue', async () => {
    const { json } = await api.get('/v1/status');
    return json.queue.waiting + json.queue.retrying >= 2;
  });
  t.is((await api.get(`/v1/invocations/${id}`)).json.state, 'success');
  t.is((await api.delete(`/v1/invocations/${parked.json.request_id}`)).status, 200);

  const heard = await until('the event', async () => {
    const { json } = await api.get('/v1/invocations?function=listener&status=success');
    return json.count > 1 && json.invocations;
  });
  t.is(heard.length, 2);
  t.is((await api.get(`/v1/functions/probe/logs?request_id=${id}`)).json.count, 1);
  t.deepEqual((await api.invoke('probe', commands({ op: 'cache_get', a: 'ran' }))).json, { results: ['1'] });
});

test('a queue that is full of invocations with on_success empties itself', async (t) => {
  const cluster = await startCluster({ QUOTA_WAITING_MB: '1' });
  t.teardown(cluster.close);
  const { api } = await cluster.web();
  const chain = { triggers: [{ topic: 'done' }], on_success: 'heard' };
  await api.deploy('listener', await probeWasm(), { metadata: JSON.stringify(chain) });
  const last = { triggers: [{ topic: 'heard' }] };
  await api.deploy('last', await probeWasm(), { metadata: JSON.stringify(last) });
  await api.deploy('probe', await probeWasm(), { metadata: JSON.stringify({ on_success: 'done' }) });
  const input = commands({ op: 'log', a: 'x'.repeat(200_000) });
  const rest = 'x'.repeat((1 << 20) - 5 * input.length - 10);
  const parked = { prefer: 'respond-async', 'x-delay-seconds': '600' };
  t.is((await api.invoke('last', rest, parked)).status, 202);
  for (let count = 0; count < 5; count += 1)
    t.is((await api.invoke('probe', input, { prefer: 'respond-async' })).status, 202);
  t.is((await api.invoke('probe', commands({ op: 'log' }), { prefer: 'respond-async' })).status, 429);

  await cluster.worker();
  await until('the end of the chains', async () => {
    const { json } = await api.get('/v1/invocations?function=last&status=success');
    return json.count === 5;
  });
});
