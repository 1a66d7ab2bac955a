import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Job, withBackend } from 'bullmq';
import { createSqliteBackend } from '../../../queues/drivers/sqlite/backend/create-backend.js';

// Run in a separate mount namespace: fills a small disk under a queue while jobs are being
// processed, and frees it.
const [dir = ''] = process.argv.slice(2);
mkdirSync(dir, { recursive: true });
execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=10m', 'tmpfs', dir]);
const ballast = join(dir, 'ballast');
writeFileSync(ballast, Buffer.alloc(3 << 20));
const connection = { path: join(dir, 'queue.db') };
const { Queue, Worker } = withBackend(createSqliteBackend);
const queue = new Queue<{ text: string }>('work', { connection });
const worker = new Worker('work', null, { connection, autorun: false });
queue.on('error', () => {});
worker.on('error', () => {});

const accepted = new Set<string>();
const refusals = new Set<unknown>();
let rejectedWhole = true;
async function fill(size: number): Promise<void> {
  for (let n = 0, refused = 0; refused < 5; n++) {
    const ids = [`${size}-${n}-a`, `${size}-${n}-b`];
    const jobs = ids.map((jobId) => ({ name: 'job', data: { text: 'x'.repeat(size) }, opts: { jobId } }));
    try {
      await queue.addBulk(jobs);
      for (const id of ids) accepted.add(id);
    } catch (error) {
      refused++;
      refusals.add((error as { code?: string }).code);
    }
  }
}

await queue.add('in hand', { text: '' }, { jobId: 'in-hand', attempts: 3 });
accepted.add('in-hand');
// A worker's operations wait for the disk; this tests operations that do not.
await worker.getNextJob('token');
const inHand = await queue.getJob('in-hand');
await fill(100_000);
await fill(1000);
// Fill the remaining space with a file, so that not even a small transaction fits.
try {
  for (let n = 0; ; n++) writeFileSync(join(dir, `rest-${n}`), Buffer.alloc(4096));
} catch {
  // The disk is full.
}
const settled = await outcome(async () => inHand?.moveToCompleted('result', 'token', false));
const stateWhileFull = await outcome(async () => inHand?.getState());
rmSync(ballast);
// With free space, ended jobs make room for more.
const drained: string[] = [];
if (settled.startsWith('SQLITE')) await inHand?.moveToCompleted('result', 'token', false);
drained.push('in-hand');
for (;;) {
  const job: Job | undefined = await worker.getNextJob('token');
  if (job === undefined) break;
  drained.push(job.id ?? '');
  await job.moveToCompleted('result', 'token', false);
  await job.remove();
}
for (const id of accepted) rejectedWhole &&= drained.includes(id);
const extra = drained.filter((id) => !accepted.has(id));
const after = await outcome(() => queue.add('after', { text: 'x'.repeat(100_000) }));
process.send?.({
  accepted: accepted.size,
  lost: accepted.size - (drained.length - extra.length),
  extra,
  rejectedWhole,
  refusals: [...refusals],
  settled,
  stateWhileFull,
  after,
});
await worker.close();
await queue.close();
process.disconnect();

async function outcome(work: () => Promise<unknown>): Promise<string> {
  try {
    const value = await work();
    return typeof value === 'string' ? value : 'done';
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return code ?? message;
  }
}
