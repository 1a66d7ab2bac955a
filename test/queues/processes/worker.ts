import { openQueues } from '../../../queues/open.js';

// A worker process: reports each delivery, and settles it when requested or when its signal is
// aborted.
const [url = ''] = process.argv.slice(2);
const { queue } = await openQueues({
  driver: 'redis',
  url,
  maxWaiting: 100_000,
  maxBytes: 1 << 30,
  timings: { lockMs: 2500, stalledCheckMs: 400 },
});
let release = (): void => {};
const released = new Promise<void>((resolve) => {
  release = resolve;
});
process.on('message', () => release());
await queue.consume(
  async ({ invocation, attempt, crashes, signal }) => {
    signal.addEventListener('abort', () => process.send?.({ aborted: invocation.id, reason: signal.reason }));
    process.send?.({ started: invocation.id, attempt, crashes });
    await released;
    process.send?.({ settled: invocation.id });
    return { kind: 'done' };
  },
  { concurrency: 4 },
);
process.send?.('ready');
