import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { type Cluster, type Settings, spawnRole, startCluster, type WebProcess } from '../helpers/cluster.js';
import { startKubo } from '../helpers/kubo.js';
import { startOlric } from '../helpers/olric-server.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { startRqlite } from '../helpers/rqlited.js';
import { spawnEngine } from '../helpers/running-engine.js';
import { isRunning } from '../helpers/server-process.js';
import { findServer } from '../helpers/servers.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const SECONDS = 3;
/** Allowance for delays of timers and process exits on a busy machine. */
const MARGIN_MS = 2000;
const ASYNC = { prefer: 'respond-async' };
const dataDir = tempDir();

/** Checks that a busy web and worker process exit with 0 in time after `takeAway`. */
async function endsWithout(t: ExecutionContext, settings: Settings, takeAway: (cluster: Cluster) => unknown) {
  const cluster = await startCluster({ SHUTDOWN_SECONDS: String(SECONDS), ...settings });
  t.teardown(cluster.close);
  const [web, worker] = await Promise.all([cluster.web(), cluster.worker()]);
  await keepBusy(web);
  await takeAway(cluster);
  // Wait until commands without a response are pending.
  await delay(300);
  const since = Date.now();
  const ended = async ({ stop, log }: { stop(): Promise<number | null>; log(): string }) => {
    t.is(await stop(), 0, log());
    return Date.now() - since;
  };
  const took = await Promise.all([ended(web), ended(worker)]);
  for (const ms of took) t.true(ms <= SECONDS * 1000 + MARGIN_MS, `the process exited after ${ms} ms`);
  t.log(`web and worker ended after ${took.join(' and ')} ms`);
}

/**
 * Keeps the process busy: one guest that outlasts the shutdown timeout, others that use every
 * dependency, and a caller that waits for a reply.
 */
async function keepBusy(web: WebProcess): Promise<void> {
  await web.api.deploy('probe', await probeWasm(), {
    metadata: JSON.stringify({ triggers: [{ topic: 'work' }] }),
  });
  await web.api.invoke('probe', commands({ op: 'sleep', n: 60_000 }), ASYNC);
  const used = [
    { op: 'sleep', n: 400 },
    { op: 'cache_set', a: 'k', b: 'v' },
    { op: 'query', a: 'select 1' },
    { op: 'storage_put', a: 'x' },
  ];
  for (let n = 0; n < 20; n++) await web.api.publish('work', used);
  web.api.invoke('probe', commands({ op: 'sleep', n: 60_000 })).catch(() => undefined);
  await until('jobs run', async () => (await web.api.get('/v1/invocations?status=running')).json.count > 1);
}

test.serial('web and worker exit within SHUTDOWN_SECONDS while Redis is down', async (t) => {
  await endsWithout(t, {}, ({ redis }) => redis.kill());
});

test.serial('web and worker exit within SHUTDOWN_SECONDS while Redis does not respond', async (t) => {
  await endsWithout(t, {}, ({ redis }) => {
    redis.freeze();
    t.teardown(() => redis.thaw());
  });
});

const rqlited = findServer('rqlite', 'TEST_RQLITED', 'rqlited');
if (rqlited === null) test('rqlited: not found, SIGTERM while RQLite is down not run', (t) => t.pass());
else {
  for (const [how, signal] of [
    ['is down', 'SIGKILL'],
    ['does not respond', 'SIGSTOP'],
  ] as const) {
    test.serial(`web and worker exit within SHUTDOWN_SECONDS while RQLite ${how}`, async (t) => {
      const rqlite = await startRqlite(rqlited);
      t.teardown(rqlite.close);
      const [node] = rqlite.nodes;
      await endsWithout(t, { RQLITE_URL: rqlite.urls.join(',') }, () =>
        signal === 'SIGKILL' ? node?.kill(signal) : node?.freeze(),
      );
    });
  }
}

const olricServer = findServer('olric', 'TEST_OLRIC_SERVER', 'olric-server');
if (olricServer === null)
  test('olric-server: not found, SIGTERM while Olric is down not run', (t) => t.pass());
else {
  test.serial('web and worker exit within SHUTDOWN_SECONDS while Olric is down', async (t) => {
    const olric = await startOlric(olricServer);
    t.teardown(olric.close);
    await endsWithout(t, { OLRIC_URL: olric.url }, () => olric.kill());
  });
}

const ipfs = findServer('ipfs', 'TEST_IPFS', 'ipfs');
if (ipfs === null) test('ipfs: not found, SIGTERM while Kubo is down not run', (t) => t.pass());
else {
  test.serial('web and worker exit within SHUTDOWN_SECONDS while Kubo is down', async (t) => {
    const kubo = await startKubo(ipfs);
    t.teardown(kubo.close);
    await endsWithout(t, { IPFS_API_URL: kubo.url }, () => kubo.kill());
  });
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
    await Promise.all(started.map(({ name, begun }) => until(`the ${name} starts`, begun)));
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
    t.true(Date.now() - since <= SECONDS * 1000 + MARGIN_MS);
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
  await delay(1500);
  t.true(isRunning(child));
  const since = Date.now();
  t.is(await process.stop(), 0, process.log());
  t.true(Date.now() - since <= 1750 + MARGIN_MS);
});
