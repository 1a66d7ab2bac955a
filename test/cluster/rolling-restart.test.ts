import { execFile } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { startCluster } from '../helpers/cluster.js';
import { freePort } from '../helpers/free-port.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const dir = tempDir();
const CALLERS = 4;

/** The n-th shell block of the section on rolling restarts. */
async function documented(n: number): Promise<string> {
  const section = (await readFile('docs/operations.md', 'utf8')).split('## Rolling restart')[1] ?? '';
  const blocks = [...section.matchAll(/```(?:sh|ini)\n([\s\S]*?)```/g)].map(([, text]) => text ?? '');
  return blocks[n] ?? '';
}

const exists = (file: string) =>
  stat(file).then(
    () => true,
    () => false,
  );

test.serial('the documented rolling restart of a worker fails no call and uses up no attempt', async (t) => {
  const cluster = await startCluster();
  t.teardown(cluster.close);
  const [oldReady, newReady] = [join(dir, 'old.ready'), join(dir, 'new.ready')];
  const [web, old] = await Promise.all([cluster.web(), cluster.worker({ READY_FILE: oldReady })]);
  t.is((await readFile(oldReady, 'utf8')).trim(), String(old.pid));
  await web.api.deploy('probe', await probeWasm());
  let loading = true;
  const failed: string[] = [];
  let answered = 0;
  const callers = Array.from({ length: CALLERS }, async () => {
    while (loading) {
      const { status, text, headers } = await web.api.invoke('probe', commands({ op: 'sleep', n: 50 }));
      if (status !== 200 || headers.get('x-attempts') !== '1') failed.push(`${status} ${text}`);
      answered++;
    }
  });
  await until('calls are answered', async () => answered > 5);
  const script = join(dir, 'restart.sh');
  await writeFile(script, await documented(1));
  const restarted = promisify(execFile)('/bin/sh', [script, oldReady, newReady]);
  await cluster.worker({ READY_FILE: newReady });
  await restarted;
  t.false(await exists(oldReady));
  t.is(await old.ended(), 0, old.log());
  const then = answered;
  await until('the new worker answers', async () => answered > then + 5);
  loading = false;
  await Promise.all(callers);
  t.deepEqual(failed, []);
});

test.serial(
  'the documented unit waits in ExecStartPost for the file that says that the worker is ready',
  async (t) => {
    const unit = await documented(2);
    const [, wait = ''] = /^ExecStartPost=\/bin\/sh -c '(.*)'$/m.exec(unit) ?? [];
    t.not(wait, '');
    const ready = join(dir, 'unit.ready');
    // What a killed process has left says nothing of the next one.
    await writeFile(ready, '1\n');
    const cluster = await startCluster();
    t.teardown(cluster.close);
    const worker = await cluster.worker({ READY_FILE: ready });
    await promisify(execFile)('/bin/sh', ['-c', wait], { env: { READY_FILE: ready } });
    t.is((await readFile(ready, 'utf8')).trim(), String(worker.pid));
    t.is(await worker.stop(), 0);
    t.false(await exists(ready));
  },
);

test.serial('a worker answers /health and /metrics on WORKER_PORT', async (t) => {
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
  ]);
  t.regex(await (await fetch(`${url}/metrics`)).text(), /^orama_pool_threads\{state="all"\} \d+$/m);
  t.is((await fetch(`${url}/v1/functions`)).status, 404);
  cluster.redis.freeze();
  t.teardown(() => cluster.redis.thaw());
  const down = await fetch(`${url}/health`);
  t.is(down.status, 503);
  t.like(await down.json(), { status: 'down', dependencies: { queue: { status: 'down' } } });
});
