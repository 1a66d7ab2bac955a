import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import Database from 'libsql';
import { openQueues } from '../../queues/open.js';
import type { Delivery } from '../../src/ports/queue.js';
import { type Child, startChild } from '../helpers/child.js';
import { collect, DONE, hold } from '../helpers/consuming.js';
import { closedGate } from '../helpers/gate.js';
import { many, namespace, queued } from '../helpers/invocations.js';
import { until } from '../helpers/until.js';

const { serial: test } = anyTest as TestFn<{ dir: string; children: Child[] }>;

test.beforeEach(async (t) => {
  t.context = { dir: await mkdtemp(join(tmpdir(), 'orama-queue-')), children: [] };
});
test.afterEach.always(async (t) => {
  for (const child of t.context.children) await child.kill();
  await rm(t.context.dir, { recursive: true, force: true });
});

test('after a SIGKILL every acknowledged job runs, and the job that was running counts a crash', async (t) => {
  const { dir, children } = t.context;
  const producer = startChild(new URL('./processes/producer.js', import.meta.url), [dir]);
  children.push(producer);
  const reports = producer.messages as { acknowledged?: string; started?: string }[];
  await until(
    'the engine has acknowledged jobs and runs one',
    () => reports.length > 300 && reports.some(({ started }) => started !== undefined),
  );
  await producer.kill('SIGKILL');
  const acknowledged = reports.flatMap((report) => report.acknowledged ?? []);
  const started = reports.flatMap((report) => report.started ?? []);

  const queues = await openQueues({ driver: 'sqlite', dir, maxWaiting: 100_000, maxBytes: 1 << 30 });
  t.teardown(() => queues.close());
  t.true((await queues.queue.counts()).bytes >= 2 * acknowledged.length);
  const ran = new Map<string, Delivery>();
  await queues.queue.consume(
    async (delivery) => {
      ran.set(delivery.invocation.id, delivery);
      return { kind: 'done' };
    },
    { concurrency: 16 },
  );
  await until('every acknowledged job has run', () => acknowledged.every((id) => ran.has(id)), 60_000);
  t.is(started.length, 1);
  await until('the job in hand has run again', () => ran.has(started[0] ?? ''));
  t.like(ran.get(started[0] ?? ''), { attempt: 2, failures: 0, crashes: 1 });
  await until('no bytes are counted', async () => (await queues.queue.counts()).bytes === 0);
});

test('jobs that a process had when it died run again before those behind them', async (t) => {
  const { dir } = t.context;
  const [data, copy] = [join(dir, 'data'), join(dir, 'copy')];
  await mkdir(data);
  const limits = { maxWaiting: 100, maxBytes: 1 << 20 };
  const dying = await openQueues({ driver: 'sqlite', dir: data, ...limits });
  t.teardown(() => dying.close());
  const jobs = many(6);
  await dying.queue.add(jobs);
  const held = await hold(dying);
  t.teardown(() => held.close());
  t.teardown(() => held.release());
  // Behind a long job, two further jobs are fetched to look for other namespaces.
  await until('the process has three jobs', async () => (await dying.queue.counts()).running === 3);
  // What the disk contains when the process dies now.
  await cp(data, copy, { recursive: true });
  const queues = await openQueues({ driver: 'sqlite', dir: copy, ...limits });
  t.teardown(() => queues.close());
  const order = (await collect(queues, jobs.length)).map(({ invocation }) => invocation.id);
  t.deepEqual(
    order,
    jobs.map(({ invocation }) => invocation.id),
  );
});

test('finished jobs leave no row behind in any table', async (t) => {
  const { dir } = t.context;
  const queues = await openQueues({ driver: 'sqlite', dir, maxWaiting: 1000, maxBytes: 1 << 20 });
  let done = 0;
  for (const count of [1, 40, 200]) await queues.queue.add(Array.from({ length: count }, () => queued()));
  await queues.queue.consume(
    async ({ isLastAttempt }) => {
      done += 1;
      return isLastAttempt ? { kind: 'done' } : { kind: 'retry', error: 'boom' };
    },
    { concurrency: 16 },
  );
  await until('all jobs are done', () => done === 241, 60_000);
  await queues.close();
  const database = new Database(join(dir, 'queue.db'));
  t.teardown(() => database.close());
  for (const table of ['job', 'payload', 'event', 'log', 'metrics', 'dedup', 'orama_cancelled']) {
    t.like(database.prepare(`SELECT count(*) AS n FROM ${table}`).get([]), { n: 0 }, table);
  }
});

test('a process that has closed its embedded queue exits', async (t) => {
  const child = startChild(new URL('./processes/open-and-close.js', import.meta.url), [
    'sqlite',
    t.context.dir,
  ]);
  t.context.children.push(child);
  await until('the process has ended', () => child.process.exitCode !== null, 60_000);
  t.is(child.process.exitCode, 0);
  t.deepEqual(child.messages, ['closed']);
});

// Not below /proc, where Node's recursive mkdir never returns.
test('opening a queue whose database cannot be opened fails with bad_config', async (t) => {
  await t.throwsAsync(
    openQueues({ driver: 'sqlite', dir: '/dev/null/nowhere', maxWaiting: 1, maxBytes: 1 }),
    {
      message: /cannot be opened/,
      code: 'bad_config',
    },
  );
});

test('the error of a queue whose database cannot be opened says why', async (t) => {
  const { dir } = t.context;
  await writeFile(join(dir, 'queue.db'), 'no database '.repeat(100));
  const error = await t.throwsAsync(openQueues({ driver: 'sqlite', dir, maxWaiting: 1, maxBytes: 1 }), {
    code: 'bad_config',
    message: /file is not a database/,
  });
  t.is(error.message.split('cannot be opened').length, 2, error.message);
});

test('waiting and delayed jobs of a namespace count against its quotas after a restart', async (t) => {
  const { dir } = t.context;
  const options = { driver: 'sqlite', dir, maxWaiting: 100, maxBytes: 1 << 20 } as const;
  const name = namespace('bounded');
  const before = await openQueues(options);
  const job = (delayMs: number) => queued({ namespace: name, input: Buffer.from('ab') }, { delayMs });
  await before.queue.add([job(0), job(0), job(600_000), job(1)]);
  await before.queue.add([queued()]);
  await before.close();
  const { queue, close } = await openQueues({
    ...options,
    limitsOf: async () => ({ waitingJobs: 4, waitingBytes: 100, delayedJobs: 1 }),
  });
  t.teardown(close);
  await until('the delayed job is due', async () => (await queue.use(name)).delayed === 1);
  t.like(await queue.use(name), { waiting: 3, running: 0, delayed: 1, bytes: 8 });
  await t.throwsAsync(queue.add([job(600_000)]), { message: /delayed_jobs .* 1 of 1/ });
  await queue.add([job(0)]);
  await t.throwsAsync(queue.add([job(0)]), { message: /waiting_jobs .* 4 of 4/ });
});

test('jobs added again to a full queue are accepted, and new jobs beside them count against the limit', async (t) => {
  const { dir } = t.context;
  const queues = await openQueues({ driver: 'sqlite', dir, maxWaiting: 3, maxBytes: 1 << 20 });
  t.teardown(() => queues.close());
  const { queue } = queues;
  const [one, two] = [queued(), queued()];
  await queue.add([one, two]);
  await queue.add([one, two, queued()]);
  await queue.add([two, one]);
  await t.throwsAsync(queue.add([one, queued()]), { code: 'queue_full' });
  t.is((await queue.counts()).waiting, 3);
});

test('after a restart, the waiting jobs of a namespace and the new jobs of another run in turn', async (t) => {
  const open = () =>
    openQueues({ driver: 'sqlite', dir: t.context.dir, maxWaiting: 1000, maxBytes: 1 << 20 });
  const before = await open();
  await before.queue.add(many(80, 'old'));
  const { opened, open: release } = closedGate();
  let begun = 0;
  const consumer = await before.queue.consume(
    async () => {
      begun++;
      if (begun > 40) await opened;
      return DONE;
    },
    { concurrency: 1 },
  );
  await until('half of the jobs have run', () => begun > 40);
  const closed = consumer.close();
  release();
  await closed;
  await before.close();

  const after = await open();
  t.teardown(() => after.close());
  const { waiting } = await after.queue.counts();
  await after.queue.add(many(waiting, 'new'));
  const ran = (await collect(after, 2 * waiting)).map(({ invocation }) => String(invocation.namespace));
  const first = { old: ran.indexOf('old'), new: ran.indexOf('new') };
  t.true(first.old <= 8 && first.new <= 8, `the first ran at ${JSON.stringify(first)} of ${waiting}`);
  t.true(ran.lastIndexOf('old') >= waiting && ran.lastIndexOf('new') >= waiting);
});
