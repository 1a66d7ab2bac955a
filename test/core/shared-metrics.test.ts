import test from 'ava';
import { openLocalBus } from '../../src/bus/drivers/local.js';
import { openPeerMetrics, publishMetrics } from '../../src/core/observability/shared-metrics.js';
import { until } from '../helpers/until.js';

const bus = () => openLocalBus(() => {});

test('a process sees the metrics of the others and not its own', async (t) => {
  const options = { bus: await bus(), everyMs: 20 };
  const peers = await openPeerMetrics({ ...options, processId: 'web' });
  t.teardown(() => peers.close());
  for (const processId of ['web', 'worker']) {
    const published = publishMetrics({ ...options, processId, snapshot: async () => [{ of: processId }] });
    t.teardown(() => published.close());
  }
  await until('the other is seen', () => peers.processes().length > 0);
  t.deepEqual(peers.processes(), ['worker']);
  t.deepEqual(peers.all(), [[{ of: 'worker' }]]);
});

test('a process that ended is dropped', async (t) => {
  const options = { bus: await bus(), everyMs: 20 };
  const peers = await openPeerMetrics({ ...options, processId: 'web' });
  t.teardown(() => peers.close());
  const ended = publishMetrics({ ...options, processId: 'worker', snapshot: async () => [] });
  await until('it is seen', () => peers.processes().length === 1);
  await ended.close();
  await until('it is dropped', () => peers.processes().length === 0);
  t.pass();
});

test('a process that only publishes metrics does not receive those of others', async (t) => {
  const local = await bus();
  const published = publishMetrics({
    bus: { ...local, subscribe: () => Promise.reject(new Error('it subscribes')) },
    ...{ processId: 'worker', everyMs: 20, snapshot: async () => [] },
  });
  t.teardown(() => published.close());
  const peers = await openPeerMetrics({ bus: local, processId: 'web', everyMs: 20 });
  t.teardown(() => peers.close());
  await until('it publishes', () => peers.processes().length === 1);
  t.pass();
});
