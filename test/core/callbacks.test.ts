import { join } from 'node:path';
import test from 'ava';
import { createRedisBackend, Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { openStore } from '../../db/open.js';
import { openQueues } from '../../queues/open.js';
import { TaskCallbacks } from '../../src/core/invocations/callbacks.js';
import { openEgress } from '../../src/egress/fetch.js';
import { createLogger } from '../../src/logger.js';
import { openRateLimiter } from '../../src/rate-limit/open.js';
import { aNamespace, aRequestId } from '../helpers/attempt.js';
import { startRedis } from '../helpers/redis-server.js';
import { tempDir } from '../helpers/temp-dir.js';

const directory = tempDir();

test('the record of a callback whose task was removed with a BullMQ tool ends with an error', async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.close());
  const queues = await openQueues({ driver: 'redis', url: redis.url, maxWaiting: 10, maxBytes: 1 << 20 });
  t.teardown(() => queues.close());
  const store = await openStore({ driver: 'sqlite', file: join(directory, 'store.sqlite') });
  t.teardown(() => store.close());
  const egress = openEgress({ allow: [] });
  t.teardown(() => egress.close());
  const rateLimiter = await openRateLimiter({ driver: 'local' });
  t.teardown(() => rateLimiter.close());
  const limits = async () => ({ waiting_jobs: 10, waiting_mb: 10 }) as never;
  const { tasks } = queues;
  const logger = createLogger('silent');
  const depths = { sign: () => '' };
  const callbacks = new TaskCallbacks({
    store,
    tasks,
    egress,
    rateLimiter,
    quotas: { limits },
    depths,
    logger,
  });

  const namespace = aNamespace();
  const [removed, waiting] = [aRequestId(), aRequestId()];
  for (const id of [removed, waiting])
    await await callbacks.send({ id, namespace, triggerDepth: 0 }, 'http://receiver/', {});
  const connection = new Redis(redis.url, { maxRetriesPerRequest: null });
  const tool = new Queue('tasks', { connection, prefix: '{orama}' }, createRedisBackend);
  await tool.remove(removed);
  await tool.close();
  connection.disconnect();

  await callbacks.giveUpLost(Date.now() - 60_000);
  t.like((await store.callbacks.get([removed])).get(removed), { lastError: null }, 'it may not be added yet');
  await callbacks.giveUpLost(Date.now() + 1);
  const records = await store.callbacks.get([removed, waiting]);
  t.like(records.get(removed), { attempts: 0, deliveredAt: null });
  t.regex(records.get(removed)?.lastError ?? '', /removed from the queue/);
  t.like(records.get(waiting), { attempts: 0, deliveredAt: null, lastError: null });
  t.is((await store.callbacks.waiting(namespace)).count, 1);
});
