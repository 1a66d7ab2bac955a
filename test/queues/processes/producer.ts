import { openQueues } from '../../../queues/open.js';
import { queued } from '../../helpers/invocations.js';

// Adds jobs to the embedded queue until it is killed, and reports each acknowledged one.
const [dir = ''] = process.argv.slice(2);
const { queue } = await openQueues({ driver: 'sqlite', dir, maxWaiting: 100_000, maxBytes: 1 << 30 });
const first = queued();
await queue.add([first]);
await queue.consume(
  ({ invocation }) => {
    process.send?.({ started: invocation.id });
    return new Promise(() => {});
  },
  { concurrency: 1 },
);
for (;;) {
  const jobs = Array.from({ length: 5 }, () => queued());
  await queue.add(jobs);
  for (const { invocation } of jobs) process.send?.({ acknowledged: invocation.id });
}
