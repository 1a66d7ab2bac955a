import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { SqliteConnection } from '../../queues/drivers/sqlite/backend/connection.js';
import { SqliteDriver } from '../../queues/drivers/sqlite/driver.js';
import { SETUP } from '../../queues/drivers/sqlite/tables.js';
import { UsageIndex } from '../../queues/drivers/sqlite/usage-index.js';
import { toJob } from '../../queues/job-codec.js';
import { JobSettler } from '../../queues/job-settler.js';
import { RunLoop } from '../../queues/run-loop.js';
import { DEFAULT_TIMINGS } from '../../queues/timings.js';
import { closedGate } from '../helpers/gate.js';
import { many } from '../helpers/invocations.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const dirs = tempDir();

/** Opens a queue of async jobs and a loop whose fetches are delivered when a gate opens. */
async function loopOf(
  t: ExecutionContext,
  { limit, cores, jobs }: Record<'limit' | 'cores' | 'jobs', number>,
) {
  const dir = await mkdtemp(join(dirs, 'queue-'));
  const connection = new SqliteConnection({ path: join(dir, 'queue.db'), events: false, setup: SETUP });
  await connection.ready;
  const usage = await UsageIndex.read(connection);
  const limits = { maxWaiting: 100, maxBytes: 1 << 20 };
  const driver = new SqliteDriver(connection, usage, limits, () => {}, dir);
  const added = many(jobs);
  await driver.adds.add(added.map(toJob), new Map(), Number.POSITIVE_INFINITY);
  const store = await driver.openStore('async', DEFAULT_TIMINGS);
  const warn = (message: string, error: unknown) => t.fail(`${message} ${error}`);
  const completions = closedGate();
  const gates = { fetches: closedGate(), jobs: closedGate(), slots: closedGate(), completions };
  completions.open();
  const seen = { fetched: 0, order: [] as string[] };
  const slotless = new Set<string | undefined>();
  const gated = async (tokens: readonly string[]) => {
    const answers = await store.moveManyToActive(tokens);
    seen.fetched += answers.length;
    await gates.fetches.opened;
    return answers;
  };
  const complete = async (...args: Parameters<typeof store.complete>) => {
    const answer = await store.complete(...args);
    await gates.completions.opened;
    return answer;
  };
  const gatedStore = new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (name === 'moveManyToActive') return gated;
      if (name === 'complete') return complete;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const loop = new RunLoop({
    store: gatedStore,
    settler: new JobSettler({ store: gatedStore, warn, jobCounts: driver.jobCounts }),
    queue: driver.queues.async,
    limit,
    cores,
    waitSeconds: driver.waitSeconds,
    timings: DEFAULT_TIMINGS,
    warn,
    run: async ({ id }) => {
      seen.order.push(id ?? '');
      await (slotless.has(id) ? gates.slots : gates.jobs).opened;
      return slotless.has(id) ? 'unstarted' : 'done';
    },
    onLost: () => {},
  });
  t.teardown(async () => {
    await loop.close();
    await driver.close();
    await connection.close();
  });
  const ids = added.map(({ invocation }) => String(invocation.id));
  return { driver, loop, queue: driver.queues.async, gates, seen, slotless, added: ids };
}

test('jobs that arrive beyond a limit that was lowered return to the queue in their order', async (t) => {
  const { loop, gates, seen, added } = await loopOf(t, { limit: 1, cores: 1, jobs: 6 });
  gates.fetches.open();
  await until('the first job runs', () => seen.order.length === 1);
  gates.fetches = closedGate();
  loop.runs.setLimit(5, { prefetches: true });
  await until('four more jobs are fetched', () => seen.fetched === 5);
  loop.runs.setLimit(1, { prefetches: false });
  gates.fetches.open();
  await until('one of them is kept', () => seen.order.length === 2);
  gates.jobs.open();
  await until('all have run', () => seen.order.length === added.length);
  t.deepEqual(seen.order, added);
});

test('a completion brings no later job ahead of those that were fetched before the limit was lowered', async (t) => {
  const { loop, queue, gates, seen, added } = await loopOf(t, { limit: 1, cores: 2, jobs: 6 });
  gates.fetches.open();
  await until('the first job runs', () => seen.order.length === 1);
  gates.fetches = closedGate();
  gates.completions = closedGate();
  loop.runs.setLimit(3, { prefetches: false });
  await until('two more jobs are fetched', () => seen.fetched === 3);
  gates.jobs.open();
  await until('the first job has left', async () => (await queue.getJob(added[0] ?? '')) === undefined);
  loop.runs.setLimit(1, { prefetches: false });
  // The store answers in the order of the commands.
  gates.fetches.open();
  await new Promise((resolve) => setImmediate(resolve));
  gates.completions.open();
  await until('all have run', () => seen.order.length === added.length);
  t.deepEqual(seen.order, added);
});

test('a job that a completion has fetched for a closing loop returns behind those that returned before', async (t) => {
  const { driver, loop, gates, seen, slotless, added } = await loopOf(t, { limit: 2, cores: 3, jobs: 4 });
  slotless.add(added[1]);
  gates.fetches.open();
  await until('two jobs are here', () => seen.order.length === 2);
  gates.jobs.open();
  // The completion, which fetches the third job, is sent in the next turn.
  await new Promise((resolve) => setImmediate(resolve));
  const closing = loop.close();
  gates.slots.open();
  await closing;
  const store = await driver.openStore('async', DEFAULT_TIMINGS);
  const jobs = await store.moveManyToActive(['1', '2', '3']);
  await store.close();
  t.deepEqual(
    jobs.map((job) => job.kind === 'job' && job.id),
    added.slice(1),
  );
});
