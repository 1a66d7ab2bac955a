import test, { type ExecutionContext } from 'ava';
import { Redis } from 'ioredis';
import { useCanary } from '../helpers/canary.js';
import { type Settings, startCluster } from '../helpers/cluster.js';
import { filesWith } from '../helpers/files-with.js';
import { onRqlite } from '../helpers/on-rqlite.js';
import { startRqlite } from '../helpers/rqlited.js';

test("a secret's value is in no store, log or response of web and worker processes on Redis", (t) =>
  holdsNoCanary(t));

onRqlite("a secret's value is in no file of RQLite", (binary) => {
  test("a secret's value is in no file of RQLite", async (t) => {
    const rqlite = await startRqlite(binary);
    t.teardown(rqlite.close);
    await holdsNoCanary(t, { RQLITE_URL: rqlite.urls.join(',') }, rqlite.directory);
  });
});

async function holdsNoCanary(t: ExecutionContext, settings: Settings = {}, storeDirectory?: string) {
  const cluster = await startCluster({ LOG_LEVEL: 'debug', ...settings });
  t.teardown(cluster.close);
  const [web, worker] = await Promise.all([cluster.web(), cluster.worker()]);
  const { forms, marker, replies } = await useCanary(web.api);
  const store = storeDirectory ?? cluster.dataDir;
  t.true((await filesWith(store, [marker])).length > 0);
  // The input of every invocation went through the queue, whose append-only file contains every
  // write.
  t.true((await filesWith(cluster.redis.directory, ['orama:'])).length > 0);
  for (const directory of [store, cluster.dataDir, cluster.redis.directory]) {
    t.deepEqual(await filesWith(directory, forms), []);
  }
  const texts = [web.log(), worker.log(), replies(), await dumped(cluster.redis.port)];
  for (const form of forms) for (const text of texts) t.false(text.includes(form));
}

/** Returns every key of Redis with the DUMP of its value. */
async function dumped(port: number): Promise<string> {
  const redis = new Redis(port, '127.0.0.1');
  const texts: string[] = [];
  for await (const keys of redis.scanStream() as AsyncIterable<string[]>) {
    for (const key of keys) texts.push(key, (await redis.dumpBuffer(key))?.toString('latin1') ?? '');
  }
  redis.disconnect();
  if (texts.length === 0) throw new Error('Redis holds nothing');
  return texts.join('\n');
}
