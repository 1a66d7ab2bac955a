import { openQueues } from '../../../queues/open.js';

// Opens and closes everything, after which the process must exit by itself.
const [driver = '', where = ''] = process.argv.slice(2);
const limits = { maxWaiting: 100, maxBytes: 1 << 20 };
const queues = await openQueues(
  driver === 'redis' ? { driver, url: where, ...limits } : { driver: 'sqlite', dir: where, ...limits },
);
await queues.queue.consume(async () => ({ kind: 'done' }), { concurrency: 4 });
await queues.queue.onTick(async () => {});
await queues.leases.acquire('fn', 1);
await queues.backlog.push(['record']);
await queues.close();
process.send?.('closed');
process.disconnect();
