import anyTest, { type TestFn } from 'ava';
import { Redis } from 'ioredis';
import type { Queues } from '../../queues/bull-queues.js';
import { openQueues } from '../../queues/open.js';
import { newRequestId } from '../../src/core/invocations/job.js';
import { isAppError } from '../../src/errors.js';
import type { Delivery } from '../../src/ports/queue.js';
import { type Child, startChild } from '../helpers/child.js';
import { queued } from '../helpers/invocations.js';
import { type RedisServerProcess, startRedis } from '../helpers/redis-server.js';
import { succeeds } from '../helpers/succeeds.js';
import { tcpProxy } from '../helpers/tcp-proxy.js';
import { until } from '../helpers/until.js';

const { serial: test } = anyTest as TestFn<{
  server: RedisServerProcess;
  queues: Queues;
  children: Child[];
}>;
const worker = new URL('./processes/worker.js', import.meta.url);
const TIMINGS = { lockMs: 2500, stalledCheckMs: 400 };

test.beforeEach(async (t) => {
  const server = await startRedis();
  const queues = await openQueues({
    driver: 'redis',
    url: server.url,
    maxWaiting: 10_000,
    maxBytes: 1 << 30,
    timings: TIMINGS,
  });
  t.context = { server, queues, children: [] };
});
test.afterEach.always(async (t) => {
  for (const child of t.context.children) await child.kill();
  await t.context.queues.close();
  await t.context.server.close();
});

async function startWorker(context: { server: RedisServerProcess; children: Child[] }): Promise<Child> {
  const child = startChild(worker, [context.server.url]);
  context.children.push(child);
  await until('the worker is ready', () => child.messages.includes('ready'));
  return child;
}

const reports = (child: Child): Record<string, unknown>[] =>
  child.messages.filter((message) => typeof message === 'object') as Record<string, unknown>[];

test('the job of a killed worker runs on another worker with a crash and no failure counted', async (t) => {
  const { queue } = t.context.queues;
  const job = queued({}, { attempts: 1 });
  await queue.add([job]);
  const child = await startWorker(t.context);
  await until('the worker has the job', () => reports(child).length > 0);
  await child.kill('SIGKILL');
  const deliveries: Delivery[] = [];
  await queue.consume(
    async (delivery) => {
      deliveries.push(delivery);
      return { kind: 'done' };
    },
    { concurrency: 2 },
  );
  await until('another worker has it', () => deliveries.length > 0);
  t.like(deliveries[0], { attempt: 2, failures: 0, crashes: 1, attempts: 1, isLastAttempt: true });
  await until('the job is gone', async () => (await queue.get(job.invocation.id)) === null);
});

test('the queue counts each crash of a worker and keeps the job', async (t) => {
  const job = queued();
  await t.context.queues.queue.add([job]);
  for (const crashes of [0, 1, 2, 3]) {
    const child = await startWorker(t.context);
    await until(`the worker after ${crashes} crashes has the job`, () => reports(child).length > 0);
    t.like(reports(child)[0], { started: job.invocation.id, crashes, attempt: crashes + 1 });
    await child.kill('SIGKILL');
  }
  t.truthy(await t.context.queues.queue.get(job.invocation.id));
});

test('a stalled worker that resumes cannot settle a job that another worker has taken over', async (t) => {
  const { queue } = t.context.queues;
  const job = queued();
  await queue.add([job]);
  const sleeper = await startWorker(t.context);
  await until('the first worker has the job', () => reports(sleeper).length > 0);
  sleeper.freeze();
  const successor = await startWorker(t.context);
  await until('the second worker has the job', () => reports(successor).length > 0);
  sleeper.thaw();
  await until('the first is aborted', () => reports(sleeper).some((report) => report.aborted !== undefined));
  t.like(
    reports(sleeper).find((report) => report.aborted !== undefined),
    { reason: 'lost' },
  );
  sleeper.process.send('release');
  await until('the first settles it', () => reports(sleeper).some((report) => report.settled !== undefined));
  await new Promise((resolve) => setTimeout(resolve, 500));
  t.like(await queue.get(job.invocation.id), { state: 'running', crashes: 1 });
  successor.process.send('release');
  await until('the second settles it', async () => (await queue.get(job.invocation.id)) === null);
});

test('jobs accepted before Redis runs out of memory complete once memory is free; ping fails meanwhile', async (t) => {
  const { server, queues } = t.context;
  const { queue } = queues;
  const admin = new Redis(server.url);
  t.teardown(() => admin.disconnect());
  const jobs = Array.from({ length: 30 }, () => queued());
  const ended = new Map<string, number>();
  await queue.add(jobs);
  await queue.consume(
    async ({ invocation, crashes }) => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      ended.set(invocation.id, crashes);
      return { kind: 'done' };
    },
    { concurrency: 4 },
  );
  await until('the first have been run', () => ended.size >= 4);
  await admin.config('SET', 'maxmemory', '1');
  await t.throwsAsync(queue.ping(), { code: 'unavailable' });
  await t.throwsAsync(queue.add([queued()]), { code: 'unavailable' });
  // Longer than a worker may keep a job without renewing its lock.
  await new Promise((resolve) => setTimeout(resolve, 3 * TIMINGS.lockMs));
  await admin.config('SET', 'maxmemory', '0');
  await t.notThrowsAsync(queue.ping());
  await until('all have been run', () => ended.size === jobs.length);
  await until('none is left', async () => (await queue.counts()).bytes === 0);
  t.deepEqual(await queue.counts(), { waiting: 0, running: 0, retrying: 0, bytes: 0, oldestMs: 0 });
  t.true(
    [...ended.values()].every((times) => times < 3),
    'no job is treated as one that crashes its workers',
  );
});

test('while Redis refuses writes, the workers of tasks and of schedules report each error once', async (t) => {
  const { server } = t.context;
  const admin = new Redis(server.url);
  t.teardown(() => admin.disconnect());
  const warnings: string[] = [];
  const queues = await openQueues({
    driver: 'redis',
    url: server.url,
    maxWaiting: 10_000,
    maxBytes: 1 << 30,
    timings: { ...TIMINGS, tickRetryMs: 1000 },
    warn: (message, error) => void warnings.push(`${message} ${error}`),
  });
  t.teardown(queues.close);
  let ran = 0;
  const ticks: string[] = [];
  await queues.queue.schedule({ id: 'every-second', cron: '* * * * * *', timezone: 'UTC' });
  const opened = await Promise.all([
    queues.tasks.consume({
      call: async () => {
        await new Promise((resolve) => setTimeout(resolve, 500));
        ran += 1;
      },
    }),
    queues.queue.onTick(async (id) => void ticks.push(id)),
  ]);
  t.teardown(() => Promise.all(opened.map((worker) => worker.close())).then(() => {}));
  for (let n = 0; n < 40; n++) {
    const id = `t${n}`;
    await queues.tasks.add({ id, kind: 'call', owner: id, payload: '', attempts: 3, backoffMs: 100 });
  }
  await until('a task has run', () => ran > 0);
  await admin.config('SET', 'maxmemory', '1');
  const reports = (who: string) => warnings.filter((warning) => warning.startsWith(`The ${who} worker`));
  await until('both report it', () => ['task', 'schedule'].every((who) => reports(who).length > 0));
  await new Promise((resolve) => setTimeout(resolve, 3000));
  for (const who of ['task', 'schedule']) {
    const all = reports(who);
    t.deepEqual(all, [...new Set(all)]);
    // One for each of the scripts that fetch, end, lock and repeat jobs.
    t.true(all.length <= 8, all.join('\n'));
  }
  await admin.config('SET', 'maxmemory', '0');
  const before = ticks.length;
  await until('all tasks have run, and ticks go on', () => ran >= 40 && ticks.length > before);
});

test('jobs refused while Redis does not respond are not run after Redis recovers', async (t) => {
  const { server, queues } = t.context;
  const ran: string[] = [];
  await queues.queue.consume(
    async ({ invocation }) => {
      ran.push(invocation.id);
      return { kind: 'done' };
    },
    { concurrency: 2 },
  );
  server.freeze();
  const errors = await Promise.all(
    Array.from({ length: 3 }, () => t.throwsAsync(queues.queue.add([queued()]))),
  );
  t.true(errors.every((error) => isAppError(error, 'ambiguous_write')));
  server.thaw();
  const accepted = queued();
  await until('Redis accepts jobs again', () => succeeds(queues.queue.add([accepted])));
  await until('the accepted job has run', () => ran.length > 0);
  await new Promise((resolve) => setTimeout(resolve, 500));
  t.deepEqual(ran, [accepted.invocation.id]);
  t.like(await queues.queue.counts(), { waiting: 0, bytes: 0 });
});

test('after a crash and restart of Redis every acknowledged job runs, and all connections recover', async (t) => {
  const { server, queues } = t.context;
  const ran = new Set<string>();
  await queues.queue.consume(
    async ({ invocation }) => {
      ran.add(invocation.id);
      await new Promise((resolve) => setTimeout(resolve, 20));
      return { kind: 'done' };
    },
    { concurrency: 4 },
  );
  const acknowledged: string[] = [];
  const add = async (): Promise<void> => {
    const job = queued();
    await queues.queue.add([job]);
    acknowledged.push(job.invocation.id);
  };
  await Promise.all(Array.from({ length: 100 }, add));
  await server.kill();
  t.true(isAppError(await t.throwsAsync(add()), 'unavailable'));
  await t.throwsAsync(queues.queue.get(newRequestId()), { message: /cannot be reached/ });
  await server.restart();
  await until('Redis accepts jobs again', () => succeeds(add()));
  await until('every acknowledged job has run', () => acknowledged.every((id) => ran.has(id)));
  await until('all are settled', async () => (await queues.queue.counts()).running === 0);
  t.like(await queues.queue.counts(), { waiting: 0, running: 0, retrying: 0 });
});

test('after a failover that leaves the connections to the old primary open, jobs are added and run', async (t) => {
  const [first, second] = [await startRedis(), await startRedis()];
  t.teardown(() => Promise.all([first.close(), second.close()]));
  const admin = [new Redis(first.url), new Redis(second.url)] as const;
  t.teardown(() => {
    for (const connection of admin) connection.disconnect();
  });
  const address = await tcpProxy(first.port);
  t.teardown(() => address.close());
  const queues = await openQueues({
    driver: 'redis',
    url: `redis://127.0.0.1:${address.port}`,
    maxWaiting: 100,
    maxBytes: 1 << 20,
    timings: TIMINGS,
  });
  t.teardown(() => queues.close());
  const ran = new Set<string>();
  await queues.queue.consume(
    async ({ invocation }) => {
      ran.add(invocation.id);
      return { kind: 'done' };
    },
    { concurrency: 2 },
  );
  await admin[1].replicaof('127.0.0.1', first.port);
  await until('the replica has caught up', async () =>
    (await admin[1].info('replication')).includes('master_link_status:up'),
  );
  await admin[1].replicaof('NO', 'ONE');
  address.redirect(second.port);
  await admin[0].replicaof('127.0.0.1', second.port);

  const job = queued();
  await until('the new primary takes the job', () => succeeds(queues.queue.add([job])));
  await until('the job has run', () => ran.has(job.invocation.id));
  t.deepEqual([...ran], [job.invocation.id]);
});

test('an unreachable REDIS_URL fails with bad_config, the address and without the password', async (t) => {
  const error = await t.throwsAsync(
    openQueues({ driver: 'redis', url: 'redis://:hunter2@127.0.0.1:1/0', maxWaiting: 1, maxBytes: 1 }),
  );
  t.true(isAppError(error, 'bad_config'));
  t.regex(error?.message ?? '', /127\.0\.0\.1:1/);
  t.notRegex(error?.message ?? '', /hunter2/);
});

test('a process that has closed its Redis queues exits', async (t) => {
  const child = startChild(new URL('./processes/open-and-close.js', import.meta.url), [
    'redis',
    t.context.server.url,
  ]);
  t.context.children.push(child);
  await until('the process has ended', () => child.process.exitCode !== null);
  t.is(child.process.exitCode, 0);
  t.deepEqual(child.messages, ['closed']);
});
