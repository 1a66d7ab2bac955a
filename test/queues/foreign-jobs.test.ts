import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createRedisBackend, Queue, withBackend } from 'bullmq';
import { Redis } from 'ioredis';
import type { Queues } from '../../queues/bull-queues.js';
import { createSqliteBackend } from '../../queues/drivers/sqlite/backend/create-backend.js';
import { openQueues } from '../../queues/open.js';
import { queued } from '../helpers/invocations.js';
import { startRedis } from '../helpers/redis-server.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

/** The part of BullMQ's API with which another program adds jobs and looks at them. */
type Program = Pick<Queue, 'add' | 'getJob' | 'getJobCounts' | 'close'>;

const UNENDED = ['active', 'wait', 'prioritized', 'delayed'] as const;
const KINDS = ['sync', 'async'] as const;
const FOREIGN: readonly unknown[] = [
  {},
  { to: 'someone@example.com' },
  { n: 'default', f: 'f1' },
  { n: 'default', f: 'f1', v: 1, t: 'pubsub', s: 2, a: 0, k: 0, i: { not: 'a text' } },
  'text',
  42,
  null,
  ['a'],
];
const LIMITS = { maxWaiting: 1000, maxBytes: 1 << 20, timings: { lockMs: 3000, stalledCheckMs: 400 } };

const directory = tempDir();

test('embedded: a job of another program fails once, and does not hold up others', async (t) => {
  const warnings: string[] = [];
  const queues = await openQueues({
    driver: 'sqlite',
    dir: directory,
    ...LIMITS,
    warn: warningsTo(warnings),
  });
  t.teardown(() => queues.close());
  const Bull = withBackend(createSqliteBackend);
  const connection = { path: join(directory, 'queue.db') };
  const open = (name: string) => new Bull.Queue(name, { connection }) as unknown as Program;
  await refusesForeignJobs(t, queues, warnings, open);
});

test('Redis: a job of another program fails once, and does not hold up others', async (t) => {
  const redis = await startRedis();
  t.teardown(redis.close);
  const warnings: string[] = [];
  const queues = await openQueues({ driver: 'redis', url: redis.url, ...LIMITS, warn: warningsTo(warnings) });
  t.teardown(() => queues.close());
  const { hostname: host, port } = new URL(redis.url);
  const open = (name: string) => {
    const options = { connection: { host, port: Number(port) }, prefix: '{orama}' };
    return new Queue(name, options, createRedisBackend) as unknown as Program;
  };
  const admin = new Redis(redis.url);
  t.teardown(() => admin.disconnect());
  const damage = async (kind: string, id: string, field: string) => {
    await admin.hset(`{orama}:${kind}:${id}`, field, '{"cut');
  };
  await refusesForeignJobs(t, queues, warnings, open, damage);
});

function warningsTo(warnings: string[]) {
  return (message: string) => void warnings.push(message);
}

async function refusesForeignJobs(
  t: ExecutionContext,
  { queue }: Queues,
  warnings: readonly string[],
  open: (name: string) => Program,
  damage?: (kind: string, id: string, field: string) => Promise<void>,
) {
  const programs = KINDS.map((kind) => ({ kind, program: open(kind) }));
  t.teardown(async () => void (await Promise.all(programs.map(({ program }) => program.close()))));
  const foreign: { kind: string; id: string; program: Program }[] = [];
  const ours = [queued(), queued()];
  await queue.add(ours.slice(0, 1));
  for (const { kind, program } of programs) {
    for (const data of FOREIGN) {
      const { id = '' } = await program.add('theirs', data);
      foreign.push({ kind, id, program });
    }
    for (const field of damage === undefined ? [] : ['data', 'opts']) {
      const { id = '' } = await program.add('theirs', {});
      await damage?.(kind, id, field);
      foreign.push({ kind, id, program });
    }
  }
  await queue.add(ours.slice(1));

  const delivered: string[] = [];
  const consumer = await queue.consume(
    async ({ invocation }) => {
      delivered.push(invocation.id);
      return { kind: 'done' };
    },
    { concurrency: 2 },
  );
  t.teardown(() => consumer.close());
  await until('every foreign job is reported', () => warnings.length >= foreign.length);
  await until('ours have run', () => delivered.length === ours.length);
  // A job that was only left behind would always be in one of these states.
  await until('none is left', async () => {
    const counts = await Promise.all(programs.map(({ program }) => program.getJobCounts(...UNENDED)));
    return counts.flatMap((each) => Object.values(each)).every((count) => count === 0);
  });
  t.deepEqual(delivered.toSorted(), ours.map(({ invocation }) => String(invocation.id)).toSorted());
  t.is(warnings.length, foreign.length, warnings.join('\n'));
  for (const { kind, id } of foreign) {
    const named = `Job ${id} of the queue "${kind}" was not added by Orama Functions`;
    t.true(
      warnings.some((warning) => warning.startsWith(named)),
      `${named}: ${warnings.join('\n')}`,
    );
  }
  for (const { kind, program } of programs) {
    const of = foreign.filter((job) => job.kind === kind && job.program === program);
    const readable = damage === undefined ? of.length : of.length - 2;
    const failed = await Promise.all(
      of.slice(0, readable).map(async ({ id }) => (await program.getJob(id))?.failedReason),
    );
    for (const reason of failed) t.regex(reason ?? '', /not added by Orama Functions/, kind);
  }
  // The ends of jobs are counted in groups.
  await until('none is counted', async () => {
    const { waiting, running, retrying, bytes } = await queue.counts();
    return waiting + running + retrying + bytes === 0;
  });
}
