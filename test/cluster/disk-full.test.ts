import { chmod } from 'node:fs/promises';
import test from 'ava';
import { spawnRole, startCluster } from '../helpers/cluster.js';
import { loggedAttempts } from '../helpers/logged.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const EVENTS = 50;
const FULL = { maxFileBlocks: '64' };
const readOnly = tempDir();

test.serial(
  'a worker with a full disk runs all acknowledged jobs, and their logs are written later',
  async (t) => {
    const cluster = await startCluster();
    t.teardown(cluster.close);
    const web = await cluster.web();
    await web.api.deploy('probe', await probeWasm(), {
      metadata: JSON.stringify({ triggers: [{ topic: 'work' }] }),
    });
    const full = await cluster.worker(FULL);
    const published = await Promise.all(
      Array.from({ length: EVENTS }, (_, n) => web.api.publish('work', [{ op: 'log', a: `event ${n}` }])),
    );
    t.true(published.every(({ status }) => status === 200));
    const reply = await web.api.invoke('probe', commands({ op: 'echo', a: 'still' }));
    t.deepEqual(reply.json, { results: ['still'] }, reply.text);
    await until(
      'the queue is empty',
      async () => (await web.api.get('/v1/status')).json.queue?.waiting === 0,
    );
    await until('the worker has logged the outage', () =>
      /the store is unreachable; log records go into the backlog/.test(full.log()),
    );
    t.is((await loggedAttempts(web.api, 'probe')).length, 0);
    t.is(await full.stop(), 0, full.log());

    await cluster.worker();
    await until('everything is logged', async () => {
      const records = await loggedAttempts(web.api, 'probe', '&status=success');
      return new Set(records.map(({ request_id }) => request_id)).size === EVENTS + 1;
    });
  },
);

test.serial(
  'a web process with a full disk answers writes with 503 and still serves invocations',
  async (t) => {
    const cluster = await startCluster();
    t.teardown(cluster.close);
    const [web] = await Promise.all([cluster.web(), cluster.worker()]);
    await web.api.deploy('probe', await probeWasm());
    const full = await cluster.web(FULL);
    const deployed = await full.api.deploy('other', await probeWasm(), { memory_limit_mb: '32' });
    t.is(deployed.status, 503, deployed.text);
    t.is(deployed.json.code, 'unavailable');
    const secret = await full.api.put('/v1/functions/secrets', { name: 'TOKEN', value: 'x'.repeat(40_000) });
    t.is(secret.status, 503, secret.text);
    t.is(secret.json.code, 'unavailable');
    t.is((await full.api.invoke('probe', commands({ op: 'echo', a: 'x' }))).status, 200);
    t.is((await web.api.get('/v1/functions')).json.count, 1);
    t.is((await web.api.get('/v1/functions/secrets')).json.count, 0);
  },
);

test.serial(
  'a process with an unwritable data directory exits with 1 and an error without a stack trace',
  async (t) => {
    const cluster = await startCluster();
    t.teardown(cluster.close);
    await chmod(readOnly, 0o500);
    // Root can write everywhere, so for root a path below a file is used.
    const place = process.getuid?.() === 0 ? '/dev/null/data' : readOnly;
    const { child, process: web } = spawnRole('web', { ORAMA_DATA_DIR: place, REDIS_URL: cluster.redis.url });
    t.is(await new Promise((resolve) => child.once('close', resolve)), 1);
    t.regex(web.log(), /The data directory .* cannot be/);
    t.notRegex(web.log(), / at .*\.js:/);
  },
);
