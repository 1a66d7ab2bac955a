import test from 'ava';
import { openQueues } from '../../queues/open.js';
import { many } from '../helpers/invocations.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const dir = tempDir();

test('the records of more than 500 cancelled jobs are dropped within one sweep', async (t) => {
  const queues = await openQueues({
    driver: 'sqlite',
    dir,
    maxWaiting: 1000,
    maxBytes: 1 << 20,
  });
  t.teardown(() => queues.close());
  const { queue } = queues;
  const seen: number[] = [];
  queue.onRemoved(async () => {
    seen.push(performance.now());
    return true;
  });
  const jobs = many(600);
  await queue.add(jobs);
  await Promise.all(jobs.map(({ invocation }) => queue.cancel(invocation.id)));
  await until('all have been seen', () => seen.length >= jobs.length);
  const ms = (seen.at(-1) ?? 0) - (seen[0] ?? 0);
  t.true(ms < 5000, `from the first to the last: ${ms} ms`);
});
