import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openQueues } from '../../../queues/open.js';
import { isAppError } from '../../../src/errors.js';
import { queued } from '../../helpers/invocations.js';
import { until } from '../../helpers/until.js';

// Run in a separate mount namespace: fills a small disk under the embedded queue while jobs are
// being processed, settles each in a different way, frees the disk, and reports the outcome of each
// job.
const [dir = ''] = process.argv.slice(2);
mkdirSync(dir, { recursive: true });
execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=10m', 'tmpfs', dir]);
const ballast = join(dir, 'ballast');
writeFileSync(ballast, Buffer.alloc(3 << 20));
const faults: string[] = [];
const { queue, close } = await openQueues({
  driver: 'sqlite',
  dir,
  maxWaiting: 100_000,
  maxBytes: 1 << 30,
  warn: (message) => faults.push(message),
});

const retries = { attempts: 2, backoff: { type: 'fixed', delayMs: 1 } } as const;
const inHand = { done: queued(), retry: queued({}, retries), later: queued() };
const runs = new Map<string, string[]>();
let release = (): void => {};
const released = new Promise<void>((resolve) => {
  release = resolve;
});
for (const job of Object.values(inHand)) await queue.add([job]);
await queue.consume(
  async ({ invocation: { id }, failures }) => {
    const earlier = runs.get(id) ?? [];
    runs.set(id, [...earlier, `failures ${failures}`]);
    if (earlier.length > 0 || !Object.values(inHand).some((job) => job.invocation.id === id))
      return { kind: 'done' };
    await released;
    if (id === inHand.retry.invocation.id) return { kind: 'retry', error: 'boom' };
    return id === inHand.later.invocation.id ? { kind: 'later', delayMs: 1 } : { kind: 'done' };
  },
  { concurrency: 3 },
);
await until('the three are in hand', () => runs.size === 3);

const accepted: string[] = [];
const refusals = new Set<string>();
for (const size of [100_000, 1000]) {
  for (let refused = 0; refused < 5; ) {
    const jobs = [1, 2].map(() => queued({ input: Buffer.alloc(size, 'x') }));
    try {
      await queue.add(jobs);
      accepted.push(...jobs.map((job) => job.invocation.id));
    } catch (error) {
      refused++;
      refusals.add(isAppError(error) ? error.code : String(error));
    }
  }
}
// Fill the remaining space with a file, so that not even a small transaction fits.
try {
  for (;;) appendFileSync(join(dir, 'rest'), Buffer.alloc(512));
} catch {
  // The disk is full.
}
release();
// A transaction may still fit into the write-ahead log; then it is settled.
await until('the fault is told', () => faults.length > 0);
rmSync(ballast);
await until('all have run', () => accepted.every((id) => runs.has(id)), 30_000);
await until('the queue is empty', async () => {
  const { waiting, running, retrying, bytes } = await queue.counts();
  return waiting + running + retrying + bytes === 0;
});
const runsOf = ({ invocation }: { invocation: { id: string } }) => runs.get(invocation.id);
process.send?.({
  accepted: accepted.length,
  ranTwice: accepted.filter((id) => runs.get(id)?.length !== 1).length,
  refusals: [...refusals],
  done: runsOf(inHand.done),
  retry: runsOf(inHand.retry),
  later: runsOf(inHand.later),
});
await close();
process.disconnect();
