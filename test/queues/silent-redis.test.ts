import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { Redis } from 'ioredis';
import { openQueues } from '../../queues/open.js';
import { withTimeout } from '../../src/concurrency/timeout.js';
import type { Delivery } from '../../src/ports/queue.js';
import { DONE } from '../helpers/consuming.js';
import { closedGate } from '../helpers/gate.js';
import { queued } from '../helpers/invocations.js';
import { startRedis } from '../helpers/redis-server.js';
import { tcpProxy } from '../helpers/tcp-proxy.js';
import { until } from '../helpers/until.js';

const WITHIN_MS = 30_000;

test('workers whose connections to Redis went silent run jobs and tasks and notice cancel requests again', async (t) => {
  const server = await startRedis();
  const proxy = await tcpProxy(server.port);
  const open = (url: string) =>
    openQueues({
      ...{ driver: 'redis', url, maxWaiting: 100, maxBytes: 1 << 20 },
      timings: { lockMs: 3000, stalledCheckMs: 400 },
    });
  const direct = await open(server.url);
  const through = await open(`redis://127.0.0.1:${proxy.port}/0`);
  const gate = closedGate();
  t.teardown(async () => {
    gate.open();
    await Promise.all([through.close(), direct.close()]);
    await Promise.all([proxy.close(), server.close()]);
  });

  const ran: string[] = [];
  let long: Delivery | undefined;
  await through.queue.consume(
    async (delivery) => {
      ran.push(delivery.invocation.id);
      if (delivery.attempts === 1) return DONE;
      long = delivery;
      await gate.opened;
      return DONE;
    },
    { concurrency: 4 },
  );
  const tasks: string[] = [];
  await through.tasks.consume({
    note: async (payload) => {
      tasks.push(payload);
    },
  });
  const addAll = async (name: string) => {
    const [event, call] = [queued(), queued({ replyTo: 'web-1' })];
    await direct.queue.add([event]);
    await direct.queue.add([call]);
    const task = { id: name, kind: 'note', owner: 'default', payload: name, attempts: 1, backoffMs: 1 };
    await direct.tasks.add(task);
    const ids = [event.invocation.id, call.invocation.id];
    await until(
      `event, call and task have run ${name}`,
      () => ids.every((id) => ran.includes(id)) && tasks.includes(name),
      WITHIN_MS,
    );
  };
  await addAll('before');
  // All loops wait again.
  await delay(200);
  proxy.silence();
  await addAll('after');
  const job = queued({}, { attempts: 2 });
  await direct.queue.add([job]);
  await until('the job runs', () => long !== undefined);
  t.is(await direct.queue.cancel(job.invocation.id), 'running');
  await until('its signal is aborted', () => long?.signal.aborted, WITHIN_MS);
  t.is(long?.signal.reason, 'cancelled');
});

for (const [when, outageMs] of [
  ['at once', 100],
  ['when Redis is back', 7000],
] as const)
  test(`an idle consumer that is closed ${outageMs} ms after Redis was lost has closed ${when}`, async (t) => {
    const server = await startRedis();
    const proxy = await tcpProxy(server.port);
    const url = `redis://127.0.0.1:${proxy.port}/0`;
    const queues = await openQueues({ driver: 'redis', url, maxWaiting: 100, maxBytes: 1 << 20 });
    t.teardown(() => Promise.all([proxy.close(), server.close()]));
    await queues.queue.consume(async () => DONE, { concurrency: 4 });
    const admin = new Redis(server.url);
    await until('its loops wait', async () => (await admin.info('clients')).includes('blocked_clients:2\r'));
    admin.disconnect();
    proxy.cut();
    // Waits for jobs are given up after 6 s; the loops then fetch, and wait for Redis.
    await delay(outageMs);
    const closing = queues.close();
    if (outageMs > 6000) proxy.restore();
    await t.notThrowsAsync(withTimeout(5500, closing, () => new Error('the queues do not close')));
  });
