import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { Api } from '../helpers/api.js';
import { type Cluster, startCluster } from '../helpers/cluster.js';
import { notRun } from '../helpers/not-run.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { canMount, type SmallDisk, smallDisk } from '../helpers/small-disk.js';
import { until } from '../helpers/until.js';

const MEGABYTES = 24;
const FULL_MS = 3000;
const ASYNC = { prefer: 'respond-async' };

if (!canMount()) notRun('unshare -m is not allowed here: the tests of a full disk are not run');
else {
  test.serial(
    'while the disk of Redis is full, calls get 503, and every accepted invocation succeeds later',
    async (t) => {
      const disk = await smallDisk(MEGABYTES);
      t.teardown(disk.close);
      const cluster = await startCluster(
        {},
        {},
        { redisDisk: disk, redisArgs: ['--appendfsync', 'everysec'] },
      );
      t.teardown(cluster.close);
      const [web] = await Promise.all([cluster.web(), cluster.worker()]);
      const accepted = await whileFull(t, web.api, disk);
      await until('health says why', async () => {
        const sentence = 'Redis takes no writes: it cannot write its file; free space on its disk.';
        return (await healthOf(web.api)).queue?.error === sentence;
      });
      await disk.free();
      await allHaveEnded(t, web.api, accepted);
    },
  );

  test.serial(
    'accepted invocations succeed after Redis (appendfsync always) exits on a full disk and restarts',
    async (t) => {
      const disk = await smallDisk(MEGABYTES);
      t.teardown(disk.close);
      const cluster = await startCluster({}, {}, { redisDisk: disk });
      t.teardown(cluster.close);
      const [web] = await Promise.all([cluster.web(), cluster.worker()]);
      const accepted = await whileFull(t, web.api, disk);
      await disk.free();
      await restart(cluster);
      await allHaveEnded(t, web.api, accepted);
    },
  );
}

/** Restarts Redis as a process manager would, after it has exited by itself. */
const restart = (cluster: Cluster): Promise<void> => cluster.redis.restart();

async function healthOf(api: Api): Promise<Record<string, { status: string; error?: string }>> {
  return (await api.get('/health')).json.dependencies;
}

/**
 * Makes calls before and while the disk is full. Resolves with the ids of those that were accepted.
 */
async function whileFull(t: ExecutionContext, api: Api, disk: SmallDisk): Promise<string[]> {
  await api.deploy('works', await probeWasm());
  const accepted: string[] = [];
  let refused = 0;
  const send = async (ms: number) => {
    const input = commands({ op: 'sleep', n: ms }, { op: 'echo', a: 'x' });
    const { status, json } = await api.invoke('works', input, ASYNC);
    if (status === 202) accepted.push(json.request_id);
    else {
      refused++;
      t.is(status, 503);
      // Redis exits before it has confirmed a write that it could not store.
      t.true(['unavailable', 'ambiguous_write'].includes(json.code), json.error);
    }
  };
  for (let n = 0; n < 10; n++) await send(500);
  await disk.fill();
  const fullSince = Date.now();
  while (Date.now() - fullSince < FULL_MS) {
    await send(0);
    await delay(50);
  }
  await until('health reports the queue as down', async () => (await healthOf(api)).queue?.status === 'down');
  await send(0);
  t.true(refused > 0);
  t.log(`${accepted.length} accepted, ${refused} refused`);
  return accepted;
}

async function allHaveEnded(t: ExecutionContext, api: Api, accepted: readonly string[]): Promise<void> {
  for (const id of accepted) {
    const ended = await until(`${id} has ended`, async () => {
      const { json } = await api.get(`/v1/invocations/${id}`);
      return json.completed_at !== null && json.completed_at !== undefined && json;
    });
    t.is(ended.state, 'success', JSON.stringify(ended));
  }
  await until('health is ok again', async () => (await api.get('/health')).json.status === 'ok');
  const { status } = await api.invoke('works', '[]');
  t.is(status, 200);
}
