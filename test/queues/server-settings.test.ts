import test from 'ava';
import { Redis } from 'ioredis';
import { BatchingBackend, defineBatchScripts } from '../../queues/drivers/redis/batching-backend.js';
import { checkServerSettings } from '../../queues/drivers/redis/server-settings.js';
import { startRedis } from '../helpers/redis-server.js';

/** Resolves with the warnings about servers with these replies to INFO. */
async function warningsOf(...infos: (string | Error)[]) {
  const warnings: string[] = [];
  const nodes = infos.map((info) => ({
    info: async () => {
      if (info instanceof Error) throw info;
      return info;
    },
  }));
  const cluster = { nodes: () => nodes };
  await checkServerSettings(cluster as never, (message) => void warnings.push(message));
  return warnings;
}

const info = (fields: Record<string, string>) =>
  Object.entries({ redis_version: '7.0.15', maxmemory_policy: 'noeviction', aof_enabled: '1', ...fields })
    .map(([field, value]) => `${field}:${value}\r\n`)
    .join('');

test('each setting with which jobs can be lost is warned of once, on whichever node it is', async (t) => {
  t.deepEqual(await warningsOf(info({}), info({})), []);
  const [policy, ...others] = await warningsOf(info({}), info({ maxmemory_policy: 'volatile-ttl' }));
  t.regex(policy ?? '', /^REDIS_URL: maxmemory-policy of Redis is volatile-ttl/);
  t.deepEqual(others, []);
  const both = await warningsOf(...[1, 2].map(() => info({ maxmemory_policy: 'x', aof_enabled: '0' })));
  t.is(both.length, 2);
  t.regex(both[1] ?? '', /^REDIS_URL: appendonly of Redis is no/);
});

test('a Redis without the commands of the scripts is refused, and one whose user may not use INFO is not', async (t) => {
  const refusal = { code: 'bad_config', message: /^REDIS_URL names Redis 6\.0\.16; use Redis 7/ };
  await t.throwsAsync(warningsOf(info({ redis_version: '6.0.16' })), refusal);
  await t.notThrowsAsync(warningsOf(info({ redis_version: '6.2.0' })));
  t.deepEqual(
    await warningsOf(new Error("NOPERM this user has no permissions to run the 'info' command")),
    [],
  );
});

test('a wait for a job takes as long as it is asked to, not whole seconds', async (t) => {
  const server = await startRedis();
  t.teardown(server.close);
  const redis = new Redis(server.url, { maxRetriesPerRequest: null });
  defineBatchScripts(redis);
  const backend = BatchingBackend.open(redis, 'async', { connection: redis, prefix: '{orama}' });
  t.teardown(async () => {
    await backend.disconnectBlocking();
    await backend.close();
    redis.disconnect();
  });
  await backend.waitUntilReady();
  const begun = performance.now();
  for (let wait = 0; wait < 10; wait++) await backend.waitForJob(0.02);
  t.true(performance.now() - begun < 8000);
});
