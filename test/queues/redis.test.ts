import anyTest, { type TestFn } from 'ava';
import { Redis } from 'ioredis';
import type { Queues } from '../../queues/bull-queues.js';
import { openQueues } from '../../queues/open.js';
import { DEFAULT_TIMINGS } from '../../queues/timings.js';
import { withTimeout } from '../../src/concurrency/timeout.js';
import { backlogConformance } from '../conformance/backlog.js';
import { crashesConformance } from '../conformance/crashes.js';
import { leasesConformance } from '../conformance/leases.js';
import { queueConformance } from '../conformance/queue.js';
import { limitsOf } from '../conformance/queue-admission.js';
import type { QueueContext } from '../conformance/queue-context.js';
import { schedulesConformance, TICK_RETRY_MS } from '../conformance/schedules.js';
import { syncAndAsyncConformance } from '../conformance/sync-and-async.js';
import { tasksConformance } from '../conformance/tasks.js';
import { hold } from '../helpers/consuming.js';
import { queued } from '../helpers/invocations.js';
import { type RedisServerProcess, startRedis } from '../helpers/redis-server.js';

const { serial: test } = anyTest as TestFn<QueueContext>;
let server: RedisServerProcess;

const open = (): Promise<Queues> =>
  openQueues({
    driver: 'redis',
    url: server.url,
    maxWaiting: 50,
    maxBytes: 1 << 20,
    limitsOf,
    timings: { ...DEFAULT_TIMINGS, tickRetryMs: TICK_RETRY_MS },
  });

test.before(async () => {
  server = await startRedis();
});
test.after.always(() => server.close());

test.beforeEach(async (t) => {
  const admin = new Redis(server.url);
  await admin.flushall();
  admin.disconnect();
  t.context = { queues: await open(), other: await open() };
});
test.afterEach.always(async (t) => {
  await Promise.all([t.context.queues.close(), t.context.other.close()]);
});

queueConformance(test);
crashesConformance(test, () => ['redis', server.url]);
syncAndAsyncConformance(test);
tasksConformance(test);
schedulesConformance(test);
backlogConformance(test, (context) => context.queues.backlog);
leasesConformance(test, (context) => [context.queues.leases, context.other.leases]);

test('backlog: a server that was emptied while processes use it keeps and delivers records again', async (t) => {
  const { backlog } = t.context.queues;
  await backlog.push(['before']);
  const drained: string[] = [];
  const drain = () =>
    backlog.drain({ records: 10, bytes: 1 << 20 }, async (records) => {
      drained.push(...records);
    });
  await drain();
  const admin = new Redis(server.url);
  t.teardown(() => admin.disconnect());
  await admin.flushall();
  t.is(await drain(), 0);
  await admin.flushall();
  await backlog.push(['after']);
  t.is(await drain(), 1);
  t.deepEqual(drained, ['before', 'after']);
  t.is(await backlog.size(), 0);
});

/** The consumers of the backlog's group, by name, with their numbers of pending records. */
async function consumersOf(admin: Redis): Promise<ReadonlyMap<string, number>> {
  const found = (await admin.xinfo('CONSUMERS', '{orama}:backlog', 'shippers')) as (string | number)[][];
  return new Map(found.map((fields) => [String(fields[1]), Number(fields[3])]));
}

test('backlog: a process that ends leaves no consumer in Redis, unless it has unfinished records', async (t) => {
  const admin = new Redis(server.url);
  t.teardown(() => admin.disconnect());
  const limits = { records: 10, bytes: 1 << 20 };
  const [ships, fails, drains] = [await open(), await open(), await open()];
  await ships.backlog.push(['a']);
  await ships.backlog.drain(limits, async () => {});
  await ships.backlog.push(['b']);
  await t.throwsAsync(fails.backlog.drain(limits, () => Promise.reject(new Error('the store is away'))));
  t.deepEqual([...(await consumersOf(admin)).values()].toSorted(), [0, 1]);
  await ships.close();
  await fails.close();
  t.deepEqual([...(await consumersOf(admin)).values()], [1]);
  // As if the record had been taken ten seconds ago.
  const [consumer = ''] = (await consumersOf(admin)).keys();
  const [[id]] = (await admin.xrange('{orama}:backlog', '-', '+')) as [[string, string[]]];
  await admin.xclaim('{orama}:backlog', 'shippers', consumer, 0, id, 'IDLE', 11_000, 'JUSTID');
  t.is(await drains.backlog.drain(limits, async () => {}), 1);
  await drains.close();
  t.deepEqual([...(await consumersOf(admin)).entries()], [[consumer, 0]]);
});

test('waiting jobs are cancelled after the scripts of the server were flushed', async (t) => {
  const { queue } = t.context.queues;
  const jobs = [queued(), queued()] as const;
  await queue.add(jobs);
  t.is(await queue.cancel(jobs[0].invocation.id), 'removed');
  const admin = new Redis(server.url);
  t.teardown(() => admin.disconnect());
  await admin.script('FLUSH');
  const late = new Error('the cancellation does not end');
  t.is(await withTimeout(60_000, queue.cancel(jobs[1].invocation.id), () => late), 'removed');
});

test('a waiting job is cancelled while Redis is out of memory', async (t) => {
  const { queue } = t.context.queues;
  const job = queued();
  await queue.add([job]);
  const admin = new Redis(server.url);
  t.teardown(() => admin.disconnect());
  await admin.config('SET', 'maxmemory', '1');
  const cancelled = await queue
    .cancel(job.invocation.id)
    .finally(() => admin.config('SET', 'maxmemory', '0'));
  t.is(cancelled, 'removed');
  t.is(await queue.get(job.invocation.id), null);
});

test('a cancel request is kept until after the longest delay of a retry', async (t) => {
  const { queue } = t.context.queues;
  const job = queued({}, { attempts: 2, backoff: { type: 'fixed', delayMs: 3_600_000 } });
  await queue.add([job]);
  const held = await hold(t.context.queues);
  await held.started(1);
  t.is(await queue.cancel(job.invocation.id), 'running');
  held.release();
  await held.close();
  const admin = new Redis(server.url);
  t.teardown(() => admin.disconnect());
  t.true((await admin.pttl(`{orama}:cancel:${job.invocation.id}`)) > 3_600_000 * 1.2);
});
