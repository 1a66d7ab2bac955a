import { execFile, spawn } from 'node:child_process';
import { readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import type { Api } from '../helpers/api.js';
import { startCluster } from '../helpers/cluster.js';
import { freePort } from '../helpers/free-port.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { endProcess } from '../helpers/server-process.js';
import { succeeds } from '../helpers/succeeds.js';
import { tempDir } from '../helpers/temp-dir.js';
import { startUnit } from '../helpers/unit.js';
import { until } from '../helpers/until.js';

const dir = tempDir();
const CALLERS = 4;

/** Returns the n-th shell block of the section on rolling restarts. */
async function documented(n: number): Promise<string> {
  const section = (await readFile('docs/operations.md', 'utf8')).split('## Rolling restart')[1] ?? '';
  const blocks = [...section.matchAll(/```(?:sh|ini)[^\n]*\n([\s\S]*?)```/g)].map(([, text]) => text ?? '');
  return blocks[n] ?? '';
}

const exists = (file: string) => succeeds(stat(file));

/** Makes calls one after another until it is stopped, and collects the errors. */
async function underLoad(api: Api) {
  await api.deploy('probe', await probeWasm());
  let loading = true;
  const failed: string[] = [];
  let answered = 0;
  const callers = Array.from({ length: CALLERS }, async () => {
    while (loading) {
      const { status, text, headers } = await api.invoke('probe', commands({ op: 'sleep', n: 50 }));
      if (status !== 200 || headers.get('x-attempts') !== '1') failed.push(`${status} ${text}`);
      answered++;
    }
  });
  const more = async () => {
    const then = answered;
    await until('calls are answered', async () => answered > then + 5);
  };
  await more();
  return {
    more,
    async stop() {
      loading = false;
      await Promise.all(callers);
      return failed;
    },
  };
}

test.serial(
  'no call fails or uses up an attempt in the documented rolling restart with a Procfile runner',
  async (t) => {
    const cluster = await startCluster();
    t.teardown(cluster.close);
    const web = await cluster.web();
    // The directory in which the runner is started.
    for (const name of ['dist', 'node_modules', 'package.json'])
      await symlink(resolve(name), join(dir, name));
    await writeFile(join(dir, 'worker.sh'), await documented(0));
    await writeFile(join(dir, 'restart.sh'), await documented(1));
    const runner = (port: number) => {
      const child = spawn('/bin/sh', ['worker.sh'], {
        cwd: dir,
        env: { PATH: process.env.PATH, ...cluster.settings, PORT: String(port) },
        stdio: 'ignore',
      });
      t.teardown(() => endProcess(child));
      return child;
    };
    const ready = (port: number) => join('run', `worker.${port}.ready`);
    const old = runner(5100);
    await until('the old worker is ready', () => exists(join(dir, ready(5100))));
    t.is((await readFile(join(dir, ready(5100)), 'utf8')).trim(), String(old.pid));
    const load = await underLoad(web.api);
    runner(5101);
    await promisify(execFile)('/bin/sh', ['restart.sh', ready(5100), ready(5101)], { cwd: dir });
    await until('the old worker has ended', async () => old.exitCode !== null);
    t.is(old.exitCode, 0);
    await load.more();
    t.deepEqual(await load.stop(), []);
  },
);

test.serial(
  'no call fails or uses up an attempt when the documented systemd unit restarts two workers in turn',
  async (t) => {
    const unit = await documented(2);
    const cluster = await startCluster();
    t.teardown(cluster.close);
    const web = await cluster.web();
    const place = {
      settings: cluster.settings,
      runtimeDir: join(dir, 'runtime'),
      paths: [
        ['/usr/bin/node', process.execPath],
        ['/opt/orama', process.cwd()],
      ],
    } as const;
    const workers = [await startUnit(unit, '1', place), await startUnit(unit, '2', place)];
    t.teardown(() => Promise.all(workers.map((worker) => worker.stop())));
    for (const [at, { pid }] of workers.entries()) {
      const file = join(place.runtimeDir, `orama-worker-${at + 1}`, 'ready');
      t.is((await readFile(file, 'utf8')).trim(), String(pid));
    }
    const load = await underLoad(web.api);
    for (const worker of workers) await worker.restart();
    await load.more();
    t.deepEqual(await load.stop(), []);
    t.deepEqual(
      workers.map(({ exits }) => [...exits]),
      [[0], [0]],
    );
  },
);

test.serial('systemd-analyze accepts the documented unit', async (t) => {
  const analyze = promisify(execFile)('systemd-analyze', ['--version']);
  if ((await analyze.catch(() => null)) === null) return t.pass('systemd is not installed here');
  const file = join(dir, 'orama-worker@1.service');
  const here = (await documented(2)).replace('/usr/bin/node', process.execPath);
  await writeFile(file, here.replace('/opt/orama', process.cwd()));
  const { stdout, stderr } = await promisify(execFile)('systemd-analyze', ['verify', '--man=no', file]);
  t.is(stdout + stderr, '');
});

test.serial(
  'a worker serves /health and /metrics on WORKER_PORT, and /health is 503 while Redis does not respond',
  async (t) => {
    const cluster = await startCluster();
    t.teardown(cluster.close);
    const port = await freePort();
    await cluster.worker({ WORKER_PORT: String(port) });
    const url = `http://127.0.0.1:${port}`;
    const health = await fetch(`${url}/health`);
    t.is(health.status, 200);
    const { status, dependencies } = (await health.json()) as { status: string; dependencies: object };
    t.is(status, 'ok');
    t.deepEqual(Object.keys(dependencies).sort(), [
      'blobs',
      'bus',
      'cache',
      'databases',
      'disk',
      'queue',
      'store',
      'threads',
    ]);
    t.regex(await (await fetch(`${url}/metrics`)).text(), /^orama_pool_threads\{state="all"\} \d+$/m);
    t.is((await fetch(`${url}/v1/functions`)).status, 404);
    cluster.redis.freeze();
    t.teardown(() => cluster.redis.thaw());
    const down = await fetch(`${url}/health`);
    t.is(down.status, 503);
    t.like(await down.json(), { status: 'down', dependencies: { queue: { status: 'down' } } });
  },
);
