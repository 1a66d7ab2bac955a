import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { type Job, withBackend } from 'bullmq';
import Database from 'libsql';
import { SqliteConnection } from '../../queues/drivers/sqlite/backend/connection.js';
import { createSqliteBackend } from '../../queues/drivers/sqlite/backend/create-backend.js';
import { PendingOperations } from '../../queues/drivers/sqlite/backend/pending-operations.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const Bull = withBackend(createSqliteBackend);
const dir = tempDir();
let files = 0;

function newFile(): { path: string } {
  return { path: join(dir, `${files++}.db`) };
}

function reads(path: string, sql: string): unknown {
  const database = new Database(path);
  try {
    return (database.prepare(sql).raw().all([]) as unknown[][])[0]?.[0];
  } finally {
    database.close();
  }
}

test('plain BullMQ on SQLite runs jobs by priority and delay, retries them and records their results', async (t) => {
  const connection = newFile();
  const queue = new Bull.Queue<{ n: number }>('work', { connection });
  const ran: string[] = [];
  await queue.addBulk([
    { name: 'later', data: { n: 1 }, opts: { priority: 5 } },
    { name: 'sooner', data: { n: 2 }, opts: { priority: 1 } },
    { name: 'first', data: { n: 3 }, opts: { attempts: 2, backoff: { type: 'fixed', delay: 5 } } },
    { name: 'delayed', data: { n: 4 }, opts: { delay: 30 } },
  ]);
  const worker = new Bull.Worker<{ n: number }>(
    'work',
    async (job: Job) => {
      ran.push(`${job.name} ${job.data.n} ${job.attemptsMade}`);
      if (job.name === 'first') throw new Error('not yet');
      return job.data.n;
    },
    { connection },
  );
  t.teardown(() => Promise.all([worker.close(), queue.close()]));
  await until('all have ended', async () => (await queue.getJobCountByTypes('completed', 'failed')) === 4);
  t.is(ran[0], 'first 3 0');
  t.true(ran.indexOf('sooner 2 0') < ran.indexOf('later 1 0'));
  t.true(ran.includes('first 3 1'));
  t.true(ran.includes('delayed 4 0'));
  const [failed] = await queue.getFailed();
  t.like(failed, { name: 'first', failedReason: 'not yet', attemptsMade: 2 });
  t.deepEqual((await queue.getCompleted()).map((job) => job.returnvalue).sort(), [1, 2, 4]);
});

test('a flow runs its children first and passes their results to the parent', async (t) => {
  const connection = newFile();
  const flow = new Bull.FlowProducer({ connection });
  const child = new Bull.Worker('children', async (job: Job) => job.data.n * 2, { connection });
  const results: unknown[] = [];
  const parent = new Bull.Worker(
    'parents',
    async (job: Job) => results.push(...Object.values(await job.getChildrenValues())),
    { connection },
  );
  t.teardown(() => Promise.all([child.close(), parent.close(), flow.close()]));
  await flow.add({
    name: 'sum',
    queueName: 'parents',
    children: [1, 2].map((n) => ({ name: 'double', queueName: 'children', data: { n } })),
  });
  await until('the parent has run', () => results.length === 2);
  t.deepEqual(results.sort(), [2, 4]);
});

test('queue events of a job arrive in the order waiting, active, completed', async (t) => {
  const connection = newFile();
  const events = new Bull.QueueEvents('work', { connection });
  await events.waitUntilReady();
  const heard: string[] = [];
  for (const name of ['waiting', 'active', 'completed'] as const) events.on(name, () => heard.push(name));
  const queue = new Bull.Queue('work', { connection });
  const worker = new Bull.Worker('work', async () => 'well', { connection });
  t.teardown(() => Promise.all([worker.close(), queue.close(), events.close()]));
  const job = await queue.add('once', {});
  t.is(await job.waitUntilFinished(events, 10_000), 'well');
  t.deepEqual(heard, ['waiting', 'active', 'completed']);
});

test('calls of one event-loop turn form one transaction, in which only the refused calls fail', async (t) => {
  const connection = new SqliteConnection(newFile());
  t.teardown(() => connection.close());
  await connection.ready;
  const job = { name: 'job', data: '{}', opts: '{}', priority: 0, delay: 0, timestamp: 1 };
  const orphan = { ...job, id: 'orphan', parent: { queue: 'work', id: 'nobody', key: 'work:nobody' } };
  const subject = { command: 'addJob', parentKey: 'work:nobody' };
  const [, , before, refused, after] = await Promise.allSettled([
    connection.call(subject, 'execute', 'work', 'CREATE TABLE note (n INTEGER)', [[]]),
    connection.call(subject, 'execute', 'work', 'INSERT INTO note VALUES (?)', [[1], [2]]),
    connection.call(subject, 'addJobs', 'work', [{ ...job, id: 'a' }, orphan]),
    connection.call(subject, 'addJob', 'work', orphan),
    connection.call(subject, 'addJob', 'work', { ...job, id: 'b' }),
  ]);
  t.like(before, { status: 'rejected', reason: { code: -5 } });
  t.like(refused, { reason: { message: 'Missing key for parent job work:nobody. addJob', code: -5 } });
  t.like(after, { status: 'fulfilled', value: 'b' });
  t.deepEqual(await connection.call(subject, 'query', 'work', 'SELECT id FROM job', []), [['b']]);
  t.deepEqual(await connection.call(subject, 'query', 'work', 'SELECT sum(n) FROM note', []), [[3]]);
});

test('answered operations are dropped although others are always pending', (t) => {
  const pending = new PendingOperations();
  const ignore = () => {};
  const push = () =>
    pending.push({ name: 'query', subject: { command: 'query' }, resolve: ignore, reject: ignore });
  push();
  for (let round = 0; round < 10; round++) {
    push();
    pending.answerOldest([[null, 'a result']]);
  }
  t.is(pending.length, 1);
});

test('a large input is returned intact, and removing its job leaves no row', async (t) => {
  const connection = newFile();
  const queue = new Bull.Queue<{ text: string }>('work', { connection });
  const text = 'ü'.repeat(600_000);
  await queue.add('large', { text }, { jobId: 'large' });
  t.is((await queue.getJob('large'))?.data.text, text);
  await (await queue.getJob('large'))?.remove();
  await queue.close();
  t.is(reads(connection.path, 'SELECT (SELECT count(*) FROM job) + (SELECT count(*) FROM payload)'), 0);
});

test('the database file and its write-ahead log shrink after the queue is drained', async (t) => {
  const connection = newFile();
  const queue = new Bull.Queue<{ text: string }>('work', { connection });
  t.teardown(() => queue.close());
  const jobs = Array.from({ length: 2000 }, (_, n) => ({ name: 'job', data: { text: `${n}`.repeat(2000) } }));
  await queue.addBulk(jobs);
  await queue.drain();
  const size = () => statSync(connection.path).size + statSync(`${connection.path}-wal`).size;
  t.true(size() > 8 << 20);
  await until('the files have shrunk', () => size() < 4 << 20);
  await queue.add('still works', { text: '' });
  t.is(await queue.count(), 1);
});

test('queues of one process share a database connection, which is closed with the last queue', async (t) => {
  const connection = newFile();
  const first = new Bull.Queue('one', { connection });
  const second = new Bull.Queue('two', { connection });
  await first.add('job', {});
  await first.close();
  await second.add('job', {});
  t.is(await second.count(), 1);
  await second.close();
  t.false(existsSync(`${connection.path}-wal`), 'the file is closed');
  const again = new Bull.Queue('one', { connection });
  t.is(await again.count(), 1);
  await again.close();
});

test('a database of a newer schema version is refused with an error that names the version', async (t) => {
  const connection = newFile();
  const queue = new Bull.Queue('work', { connection });
  await queue.waitUntilReady();
  await queue.close();
  const database = new Database(connection.path);
  database.exec('PRAGMA user_version = 99');
  database.close();
  const refused = new Bull.Queue('work', { connection });
  refused.on('error', () => {});
  await t.throwsAsync(refused.waitUntilReady(), { message: /written by a newer version \(schema 99/ });
  await refused.close();
});

test('a job is taken back only if its lock was not renewed between two checks', async (t) => {
  const connection = newFile();
  const queue = new Bull.Queue('work', { connection });
  const options = { connection, autorun: false, stalledInterval: 1, skipLockRenewal: true };
  const worker = new Bull.Worker('work', null, options);
  t.teardown(() => Promise.all([worker.close(), queue.close()]));
  await queue.add('job', {}, { jobId: 'one' });
  const job = await worker.getNextJob('token');
  const check = async () => {
    await setTimeout(20);
    return worker.getBackend().moveStalledJobsToWait();
  };
  for (let round = 0; round < 3; round++) {
    await job?.extendLock('token', 1);
    t.deepEqual(await check(), []);
  }
  t.deepEqual(await check(), ['one']);
});

test('a worker whose lock has expired loses the job and cannot complete the job later', async (t) => {
  const connection = newFile();
  const queue = new Bull.Queue('work', { connection });
  const options = { connection, autorun: false, stalledInterval: 1, lockDuration: 1, skipLockRenewal: true };
  const slow = new Bull.Worker('work', null, options);
  const other = new Bull.Worker('work', null, { ...options, lockDuration: 30_000 });
  slow.on('error', () => {});
  t.teardown(() => Promise.all([slow.close(), other.close(), queue.close()]));
  await queue.add('job', {}, { jobId: 'one' });
  const [held] = [await slow.getNextJob('slow')];
  const backend = other.getBackend();
  const recovered: string[] = [];
  await until('the job is taken back', async () => {
    recovered.push(...(await backend.moveStalledJobsToWait()));
    return recovered.length > 0;
  });
  t.deepEqual(recovered, ['one']);
  const job = await other.getNextJob('other');
  t.is(job?.stalledCounter, 1);
  await t.throwsAsync(async () => held?.moveToCompleted('late', 'slow', false), { message: /Lock mismatch/ });
  await job?.moveToCompleted('in time', 'other', false);
  t.is(await job?.getState(), 'completed');
});
