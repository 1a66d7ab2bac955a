import test from 'ava';
import { namespaceSchema } from '../../src/contract/ids.js';
import { openPresence } from '../../src/presence/open.js';
import { presenceConformance } from '../conformance/presence.js';
import { redisSettingConformance } from '../conformance/redis-setting.js';
import { startRedisCluster } from '../helpers/redis-cluster.js';
import { startRedis } from '../helpers/redis-server.js';
import { succeeds } from '../helpers/succeeds.js';
import { until } from '../helpers/until.js';

// No fsync: data need not survive the server, and it would make the suite slow.
const server = await startRedis(['--appendonly', 'no']);
const cluster = await startRedisCluster();
test.after.always(async () => {
  await server.close();
  await cluster.close();
});

const open = (url: string, leaseMs = 20_000) => openPresence({ driver: 'redis', url, leaseMs });
const ns = namespaceSchema.parse('processes');
const shown = { member_id: 'ann', joined_at: '2026-01-01T00:00:00.000Z', meta: null };
const ann = { ...shown, owner: 'key:1' };

presenceConformance('redis', (leaseMs) => open(server.url, leaseMs));
presenceConformance('redis cluster', (leaseMs) => open(cluster.url, leaseMs));
redisSettingConformance('redis', 'REDIS_URL', (url) => open(url));

test('a member of one process is listed by another until its lease expires after the process closes', async (t) => {
  const here = await open(server.url, 5000);
  const there = await open(server.url, 5000);
  t.teardown(() => there.close());
  await here.touch(ns, 'shared', 'c1', ann);
  t.deepEqual(await there.members(ns, 'shared'), [shown]);
  await here.close();
  await until('the lease has expired', async () => (await there.members(ns, 'shared')).length === 0);
  t.deepEqual(await there.topics(ns), []);
});

test('calls fail with unavailable while Redis is down, and a touch after its restart restores the member', async (t) => {
  const own = await startRedis();
  t.teardown(() => own.close());
  const presence = await open(own.url);
  t.teardown(() => presence.close());
  await own.kill();
  await t.throwsAsync(presence.touch(ns, 'room', 'c1', ann), { code: 'unavailable' });
  await t.throwsAsync(presence.members(ns, 'room'), { code: 'unavailable' });
  await own.restart();
  await until('the touch succeeds', () => succeeds(presence.touch(ns, 'room', 'c1', ann)));
  t.deepEqual(await presence.members(ns, 'room'), [shown]);
});
