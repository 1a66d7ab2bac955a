import { setTimeout as sleep } from 'node:timers/promises';
import anyTest, { type TestFn } from 'ava';
import type { Queues } from '../../queues/bull-queues.js';
import { openQueues } from '../../queues/open.js';
import { queued } from '../helpers/invocations.js';
import { type RedisServerProcess, startRedis } from '../helpers/redis-server.js';
import { succeeds } from '../helpers/succeeds.js';
import { type TcpProxy, tcpProxy } from '../helpers/tcp-proxy.js';
import { until } from '../helpers/until.js';

const { serial: test } = anyTest as TestFn<{
  server: RedisServerProcess;
  proxy: TcpProxy;
  /** Queues whose connections go through the proxy. */
  through: Queues;
  /** Queues that are connected to the server itself. */
  direct: Queues;
  ended: Set<string>;
}>;

test.beforeEach(async (t) => {
  const server = await startRedis();
  const proxy = await tcpProxy(server.port);
  const ended = new Set<string>();
  const limits = { maxWaiting: 100, maxBytes: 1 << 20, hasEnded: async (id: string) => ended.has(id) };
  const through = await openQueues({ driver: 'redis', url: `redis://127.0.0.1:${proxy.port}/0`, ...limits });
  const direct = await openQueues({ driver: 'redis', url: server.url, ...limits });
  // Loads the script into the server, as any add before has done.
  const first = queued();
  await direct.queue.add([first]);
  await direct.queue.cancel(first.invocation.id);
  t.context = { server, proxy, through, direct, ended };
});
test.afterEach.always(async (t) => {
  const { server, proxy, through, direct } = t.context;
  proxy.restore();
  await through.close();
  await direct.close();
  await proxy.close();
  await server.close();
});

test('an add is accepted although the connection is lost before its response arrives', async (t) => {
  const { proxy, through, direct } = t.context;
  proxy.dropResponses();
  const job = queued();
  const adding = through.queue.add([job]);
  await until('Redis has the job', async () => (await direct.queue.get(job.invocation.id)) !== null);
  proxy.cut();
  proxy.restore();
  await t.notThrowsAsync(adding);
  t.is((await direct.queue.counts()).waiting, 1);
});

test('an add is accepted if its job has ended and left the queue before the response was due', async (t) => {
  const { proxy, through, direct, ended } = t.context;
  await direct.queue.consume(
    async ({ invocation }) => {
      ended.add(invocation.id);
      return { kind: 'done' };
    },
    { concurrency: 1 },
  );
  proxy.dropResponses();
  const job = queued();
  const adding = through.queue.add([job]);
  await until('the job has ended', () => ended.has(job.invocation.id));
  proxy.cut();
  proxy.restore();
  await t.notThrowsAsync(adding);
});

test('an add that Redis did not receive is refused as unavailable, and never runs', async (t) => {
  const { proxy, through, direct } = t.context;
  proxy.dropRequests();
  const adding = through.queue.add([queued()]);
  await sleep(50);
  proxy.cut();
  proxy.restore();
  await t.throwsAsync(adding, { code: 'unavailable' });
  t.is((await direct.queue.counts()).waiting, 0);
});

test('an add whose outcome cannot be determined is ambiguous; repeating it adds no second job', async (t) => {
  const { proxy, through, direct } = t.context;
  proxy.dropResponses();
  const job = queued();
  const adding = through.queue.add([job]);
  await until('Redis has the job', async () => (await direct.queue.get(job.invocation.id)) !== null);
  proxy.cut();
  const error = await t.throwsAsync(adding, { code: 'ambiguous_write' });
  t.true(error?.message.includes(job.invocation.id));
  t.like(error, { requestId: job.invocation.id });
  proxy.restore();
  await until('the queue is reachable', () => succeeds(through.queue.ping()));
  await through.queue.add([job]);
  t.is((await direct.queue.counts()).waiting, 1);
});

test('an add is accepted after one whose response a busy process has read late', async (t) => {
  const { server, direct } = t.context;
  server.freeze();
  const adding = direct.queue.add([queued()]);
  await sleep(50);
  server.thaw();
  // Redis responds while the event loop is busy, for less than the timeout of the command.
  const busyUntil = performance.now() + 1800;
  while (performance.now() < busyUntil);
  await adding;
  await t.notThrowsAsync(direct.queue.add([queued()]));
});

test('an add that is sent while Redis is unreachable is refused at once', async (t) => {
  const { proxy, through } = t.context;
  proxy.cut();
  await sleep(50);
  // A busy machine may delay one of them.
  const times: number[] = [];
  for (let time = 0; time < 5; time++) {
    const began = performance.now();
    await t.throwsAsync(through.queue.add([queued()]), { code: 'unavailable' });
    times.push(performance.now() - began);
  }
  t.true(Math.min(...times) < 1000, times.join());
});
