import { openQueues } from '../../../queues/open.js';
import { queued } from '../../helpers/invocations.js';

// A worker that is to be killed. Of the jobs, "guilty" begins a guest, the others hold a slot and
// do not. The jobs end after so many milliseconds, the guilty one never. Reports what it is
// delivered, and what else it had in its slots then.
const [driver = '', where = '', added = '', holdMs = ''] = process.argv.slice(2);
const limits = { maxWaiting: 100_000, maxBytes: 1 << 30, timings: { lockMs: 1000, stalledCheckMs: 400 } };
const { queue } = await openQueues(
  driver === 'redis' ? { driver, url: where, ...limits } : { driver: 'sqlite', dir: where, ...limits },
);
// One job after the other, so that the first is delivered first.
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
    process.send?.({ name, crashes, crashesWhileRunning, beside });
    await new Promise((resolve) => {
      if (name !== 'guilty') setTimeout(resolve, Number(holdMs));
    });
    running--;
    return { kind: 'done' };
  },
  { concurrency: 4 },
);
