import { openQueues } from '../../../queues/open.js';
import { queued } from '../../helpers/invocations.js';

// A worker that is to be killed. The job "guilty" begins a guest; the others hold a slot without a
// guest. Jobs end after `holdMs` milliseconds, the guilty one never. Reports each delivery and the
// other jobs in the slots.
const [driver = '', where = '', added = '', holdMs = ''] = process.argv.slice(2);
const limits = { maxWaiting: 100_000, maxBytes: 1 << 30, timings: { lockMs: 2000, stalledCheckMs: 400 } };
const { queue } = await openQueues(
  driver === 'redis' ? { driver, url: where, ...limits } : { driver: 'sqlite', dir: where, ...limits },
);
// One after another, so that the first job is delivered first.
for (const name of added.split(',').filter((each) => each !== '')) {
  await queue.add([queued({ input: Buffer.from(name) })]);
}
let running = 0;
await queue.consume(
  async (delivery) => {
    const { crashes, crashesWhileRunning } = delivery;
    const name = Buffer.from(delivery.invocation.input).toString();
    const beside = running++;
    if (name === 'guilty') delivery.begun();
    // The journal is written asynchronously, and this process is killed after its report.
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.send?.({ name, crashes, crashesWhileRunning, beside });
    await new Promise((resolve) => {
      if (name !== 'guilty') setTimeout(resolve, Number(holdMs));
    });
    running--;
    return { kind: 'done' };
  },
  { concurrency: 4 },
);
