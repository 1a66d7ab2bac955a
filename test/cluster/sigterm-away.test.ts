import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { Api } from '../helpers/api.js';
import { type Cluster, type Settings, spawnRole, startCluster } from '../helpers/cluster.js';
import { type KuboServer, startKubo } from '../helpers/kubo.js';
import { notRun } from '../helpers/not-run.js';
import { type OlricServer, startOlric } from '../helpers/olric-server.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { startRedis } from '../helpers/redis-server.js';
import { startRqlite } from '../helpers/rqlited.js';
import { spawnEngine, startEngine } from '../helpers/running-engine.js';
import { isRunning } from '../helpers/server-process.js';
import { findServer } from '../helpers/servers.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const SECONDS = 3;
/** Allowance for delays of timers and process exits on a busy machine. */
const MARGIN_MS = 2000;
const ASYNC = { prefer: 'respond-async' };
const dataDir = tempDir();

/** On a busy machine other processes may take longer than that, which is then tried again. */
const TRIES = 3;

/** Checks that processes end in time; `times` resolves with how long each took. */
async function endInTime(t: ExecutionContext, times: () => Promise<number[]>) {
  let took: number[] = [];
  for (let round = 0; round < TRIES; round++) {
    took = await times();
    t.log(`ended after ${took.join(' and ')} ms`);
    if (Math.max(...took) <= SECONDS * 1000 + MARGIN_MS) break;
  }
  for (const ms of took) t.true(ms <= SECONDS * 1000 + MARGIN_MS, `the process exited after ${ms} ms`);
}

/** What a cluster uses besides Redis, and how it is taken away. */
interface Away {
  settings?: Settings;
  takeAway(cluster: Cluster): unknown;
}

/** Checks that a busy web and worker process exit with 0 in time after `takeAway`. */
function endsWithout(t: ExecutionContext, setUp: () => Promise<Away>) {
  return endInTime(t, async () => {
    const { settings = {}, takeAway } = await setUp();
    return timesWithout(t, settings, takeAway);
  });
}

async function timesWithout(t: ExecutionContext, settings: Settings, takeAway: Away['takeAway']) {
  const cluster = await startCluster({ SHUTDOWN_SECONDS: String(SECONDS), ...settings });
  t.teardown(cluster.close);
  const [web, worker] = await Promise.all([cluster.web(), cluster.worker()]);
  await keepBusy(web.api);
  await takeAway(cluster);
  // Wait until commands without a response are pending.
  await delay(300);
  const since = Date.now();
  const ended = async ({ stop, log }: { stop(): Promise<number | null>; log(): string }) => {
    t.is(await stop(), 0, log());
    return Date.now() - since;
  };
  return Promise.all([ended(web), ended(worker)]);
}

/**
 * Keeps the process busy: one guest that outlasts the shutdown timeout, others that use every
 * dependency, and a caller that waits for a reply.
 */
async function keepBusy(api: Api): Promise<void> {
  await api.deploy('probe', await probeWasm(), {
    metadata: JSON.stringify({ triggers: [{ topic: 'work' }] }),
  });
  await api.invoke('probe', commands({ op: 'sleep', n: 60_000 }), ASYNC);
  const used = [
    { op: 'sleep', n: 400 },
    { op: 'cache_set', a: 'k', b: 'v' },
    { op: 'query', a: 'select 1' },
    { op: 'storage_put', a: 'x' },
  ];
  for (let n = 0; n < 20; n++) await api.publish('work', used);
  api.invoke('probe', commands({ op: 'sleep', n: 60_000 })).catch(() => undefined);
  await until('jobs run', async () => (await api.get('/v1/invocations?status=running')).json.count > 1);
}

test.serial('web and worker exit within SHUTDOWN_SECONDS while Redis is down', async (t) => {
  await endsWithout(t, async () => ({ takeAway: ({ redis }) => redis.kill() }));
});

test.serial('web and worker exit within SHUTDOWN_SECONDS while Redis does not respond', async (t) => {
  const takeAway = ({ redis }: Cluster) => {
    redis.freeze();
    t.teardown(() => redis.thaw());
  };
  await endsWithout(t, async () => ({ takeAway }));
});

const rqlited = findServer('rqlite', 'TEST_RQLITED', 'rqlited');
if (rqlited === null) notRun('rqlited: not found, SIGTERM while RQLite is down not run');
else {
  for (const [how, signal] of [
    ['is down', 'SIGKILL'],
    ['does not respond', 'SIGSTOP'],
  ] as const) {
    test.serial(`web and worker exit within SHUTDOWN_SECONDS while RQLite ${how}`, async (t) => {
      await endsWithout(t, async () => {
        const rqlite = await startRqlite(rqlited);
        t.teardown(rqlite.close);
        const [node] = rqlite.nodes;
        return {
          settings: { RQLITE_URL: rqlite.urls.join(',') },
          takeAway: () => (signal === 'SIGKILL' ? node?.kill(signal) : node?.freeze()),
        };
      });
    });
  }
}

const olricServer = findServer('olric', 'TEST_OLRIC_SERVER', 'olric-server');
if (olricServer === null) notRun('olric-server: not found, SIGTERM while Olric is down not run');
else {
  for (const [how, takeAway] of [
    ['is down', (olric: OlricServer) => olric.kill()],
    ['does not respond', (olric: OlricServer) => olric.freeze()],
  ] as const) {
    test.serial(`web and worker exit within SHUTDOWN_SECONDS while Olric ${how}`, async (t) => {
      await endsWithout(t, async () => {
        const olric = await startOlric(olricServer);
        t.teardown(olric.close);
        return { settings: { OLRIC_URL: olric.url }, takeAway: () => takeAway(olric) };
      });
    });
  }
}

const ipfs = findServer('ipfs', 'TEST_IPFS', 'ipfs');
if (ipfs === null) notRun('ipfs: not found, SIGTERM while Kubo is down not run');
else {
  for (const [how, takeAway] of [
    ['is down', (kubo: KuboServer) => kubo.kill()],
    ['does not respond', (kubo: KuboServer) => kubo.freeze()],
  ] as const) {
    test.serial(`web and worker exit within SHUTDOWN_SECONDS while Kubo ${how}`, async (t) => {
      await endsWithout(t, async () => {
        const kubo = await startKubo(ipfs);
        t.teardown(kubo.close);
        return { settings: { IPFS_API_URL: kubo.url }, takeAway: () => takeAway(kubo) };
      });
    });
  }
}

if (rqlited !== null && olricServer !== null && ipfs !== null) {
  for (const how of ['are down', 'do not respond'] as const) {
    test.serial(`an all-in-one engine exits within SHUTDOWN_SECONDS while all its servers ${how}`, (t) =>
      endInTime(t, async () => {
        const [redis, store, databases, olric, kubo] = await Promise.all([
          startRedis(),
          startRqlite(rqlited),
          startRqlite(rqlited),
          startOlric(olricServer),
          startKubo(ipfs),
        ]);
        for (const server of [redis, store, databases, olric, kubo]) t.teardown(server.close);
        const engine = await startEngine({
          env: {
            SHUTDOWN_SECONDS: String(SECONDS),
            REDIS_URL: redis.url,
            RQLITE_URL: store.urls.join(','),
            FUNCTION_DB_URL: databases.urls.join(','),
            OLRIC_URL: olric.url,
            IPFS_API_URL: kubo.url,
          },
        });
        t.teardown(engine.close);
        await keepBusy(engine.api);
        const nodes = [...store.nodes, ...databases.nodes];
        if (how === 'are down') {
          const others = [redis.kill(), olric.kill(), kubo.kill()];
          await Promise.all([...others, ...nodes.map((node) => node.kill('SIGKILL'))]);
        } else for (const server of [redis, olric, kubo, ...nodes]) server.freeze();
        await delay(300);
        // Requests that will not be answered before the end.
        for (const path of ['/health', '/v1/invocations']) engine.api.get(path).catch(() => undefined);
        const since = Date.now();
        t.is(await engine.stop(), 0, engine.log());
        return [Date.now() - since];
      }),
    );
  }
}

/** Delays after the first output of the process: during startup and just after it. */
const IN_A_START_MS = [0, 50, 150, 400];

test.serial('web, worker and engine exit with 0 on a SIGTERM during startup', async (t) => {
  const cluster = await startCluster();
  t.teardown(cluster.close);
  // Create the data directory and schema, which exist on every start but the first.
  await cluster.web();
  const settings = {
    HOME: cluster.dataDir,
    PORT: '0',
    ORAMA_DATA_DIR: cluster.dataDir,
    REDIS_URL: cluster.redis.url,
    SHUTDOWN_SECONDS: String(SECONDS),
  };
  for (const ms of IN_A_START_MS) {
    const started = [
      ...(['web', 'worker'] as const).map((role) => {
        const { child, process } = spawnRole(role, settings);
        // The process logs which stores it shares immediately after its start.
        return { name: role, child, log: process.log, begun: async () => process.log() !== '' };
      }),
      (() => {
        const { process: child, log } = spawnEngine(dataDir, { SHUTDOWN_SECONDS: String(SECONDS) });
        const lock = join(dataDir, 'lock.pid');
        const begun = async () => (await readFile(lock, 'utf8').catch(() => '')) === `${child.pid}\n`;
        return { name: 'engine', child, log, begun };
      })(),
    ];
    const spawned = Date.now();
    await Promise.all(started.map(({ name, begun }) => until(`the ${name} starts`, begun)));
    // On a slow machine, starting the program takes long before the signal can be handled.
    const margin = Math.max(MARGIN_MS, 2 * (Date.now() - spawned));
    await delay(ms);
    const since = Date.now();
    await Promise.all(
      started.map(async ({ name, child, log }) => {
        if (isRunning(child)) {
          const exited = new Promise((resolve) => child.once('exit', resolve));
          child.kill('SIGTERM');
          await exited;
        }
        t.is(child.exitCode, 0, `${name}, ${ms} ms into its start: ${child.signalCode} ${log()}`);
      }),
    );
    t.true(Date.now() - since <= SECONDS * 1000 + margin);
  }
});

test.serial('a worker that waits for an unresponsive Redis at startup exits with 0 on SIGTERM', async (t) => {
  const cluster = await startCluster();
  t.teardown(cluster.close);
  cluster.redis.freeze();
  t.teardown(() => cluster.redis.thaw());
  const { child, process } = spawnRole('worker', {
    HOME: cluster.dataDir,
    ORAMA_DATA_DIR: cluster.dataDir,
    REDIS_URL: cluster.redis.url,
    SHUTDOWN_SECONDS: '1',
  });
  t.teardown(process.kill9);
  const spawned = Date.now();
  await until('the worker starts', () => process.log() !== '');
  const margin = Math.max(MARGIN_MS, 2 * (Date.now() - spawned));
  await delay(1500);
  t.true(isRunning(child));
  const since = Date.now();
  t.is(await process.stop(), 0, process.log());
  t.true(Date.now() - since <= 1750 + margin);
});
