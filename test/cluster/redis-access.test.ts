import test, { type ExecutionContext } from 'ava';
import { makeCertificate } from '../helpers/certificate.js';
import { type Cluster, spawnRole, startCluster } from '../helpers/cluster.js';
import { loggedAttempts } from '../helpers/logged.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { startRedisCluster } from '../helpers/redis-cluster.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const files = tempDir();
// Contains every character with a special meaning in a URL.
const USER = { name: 'engine', password: 'p@ss:w/o?r#d%+' };

/** Exercises every function of Redis: queue, replies, bus, cache, schedules and rate limits. */
async function works(t: ExecutionContext, cluster: Cluster): Promise<void> {
  const [a, b] = await Promise.all([cluster.web(), cluster.web(), cluster.worker(), cluster.worker()]);
  const deployed = await a.api.deploy('probe', await probeWasm(), {
    metadata: JSON.stringify({ concurrency: 4, triggers: [{ topic: 'work' }, { cron: '* * * * * *' }] }),
  });
  t.is(deployed.status, 201, deployed.text);
  const input = commands({ op: 'cache_incr', a: 'n', n: 1 });
  for (const n of [1, 2, 3]) {
    const reply = await (n % 2 ? a : b).api.invoke('probe', input);
    t.deepEqual(reply.json, { results: [n] }, reply.text);
  }
  t.is((await b.api.publish('work', [{ op: 'log', a: 'published' }])).status, 200);
  await until('the event and a tick have run', async () => {
    const records = await loggedAttempts(a.api, 'probe');
    const { json } = await b.api.get('/v1/invocations?limit=100');
    const cron = json.invocations.some(({ trigger }: { trigger: string }) => trigger === 'cron');
    return cron && records.some(({ messages }) => messages[0]?.message === 'published');
  });
  t.is((await a.api.get('/health')).status, 200);
}

test.serial('all functions of Redis work over TLS with the user and password of the URL', async (t) => {
  const certificate = await makeCertificate(files);
  const cluster = await startCluster(
    { NODE_EXTRA_CA_CERTS: certificate.authority },
    { certificate, user: USER },
  );
  t.teardown(cluster.close);
  await works(t, cluster);

  const unknown = spawnRole('web', { ORAMA_DATA_DIR: files, REDIS_URL: cluster.redis.url });
  t.is(await unknown.process.ended(), 1, 'the certificate is not trusted');
  const REDIS_URL = cluster.redis.url.replace('engine', 'nobody');
  const wrong = spawnRole('worker', {
    ORAMA_DATA_DIR: files,
    REDIS_URL,
    NODE_EXTRA_CA_CERTS: certificate.authority,
  });
  t.is(await wrong.process.ended(), 1);
  for (const { log } of [unknown.process, wrong.process]) {
    t.regex(log(), /REDIS_URL/);
    t.notRegex(log(), /p@ss|p%40ss| at .*\.js:/);
  }
});

test.serial('all functions of Redis work on a Redis Cluster', async (t) => {
  const redis = await startRedisCluster();
  t.teardown(redis.close);
  const cluster = await startCluster({ REDIS_URL: redis.url });
  t.teardown(cluster.close);
  await works(t, cluster);
});
