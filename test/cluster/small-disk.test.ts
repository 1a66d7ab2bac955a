import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { Api } from '../helpers/api.js';
import { startCluster } from '../helpers/cluster.js';
import { notRun } from '../helpers/not-run.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { startEngine } from '../helpers/running-engine.js';
import { canMount, type SmallDisk, smallDisk } from '../helpers/small-disk.js';
import { until } from '../helpers/until.js';

const MEGABYTES = 200;
const FULL_MS = 3000;
const ASYNC = { prefer: 'respond-async' };

if (!canMount()) notRun('unshare -m is not allowed here: the tests of a full disk are not run');
else {
  test.serial(
    'embedded: invocations accepted before and on a full disk are run, retried, dead and logged',
    async (t) => {
      const disk = await smallDisk(MEGABYTES);
      t.teardown(disk.close);
      const engine = await startEngine({ dataDir: disk.dir, enter: disk.enter });
      t.teardown(engine.close);
      const refusals = await losesNothing(t, engine.api, disk, engine.log);
      const sentence =
        'The disk that holds the queue is full; nothing was accepted, free some space and try again.';
      t.true(refusals.includes(sentence), refusals.join());
    },
  );

  test.serial(
    'web and worker: invocations accepted before and on a full disk are run, retried, dead and logged',
    async (t) => {
      const disk = await smallDisk(MEGABYTES);
      t.teardown(disk.close);
      const cluster = await startCluster({}, {}, { disk });
      t.teardown(cluster.close);
      const [web, worker] = await Promise.all([cluster.web(), cluster.worker()]);
      await losesNothing(t, web.api, disk, () => web.log() + worker.log());
    },
  );
}

/**
 * Fills the disk for three seconds while jobs run and arrive. Resolves with the errors of those
 * refused.
 */
async function losesNothing(t: ExecutionContext, api: Api, disk: SmallDisk, log: () => string) {
  await api.deploy('works', await probeWasm());
  await api.deploy('fails', await probeWasm(), { retry_count: '1', retry_delay_seconds: '1' });
  const accepted: { id: string; fails: boolean }[] = [];
  const refusals: string[] = [];
  const send = async (fails: boolean, ms: number) => {
    const name = fails ? 'fails' : 'works';
    const input = commands({ op: 'sleep', n: ms }, fails ? { op: 'exit', n: 1 } : { op: 'echo', a: 'x' });
    const { status, json } = await api.invoke(name, input, ASYNC);
    if (status === 202) accepted.push({ id: json.request_id, fails });
    else {
      t.like({ status, code: json.code }, { status: 503, code: 'unavailable' });
      refusals.push(json.error);
    }
  };
  // Run both functions once, so that they are known as on any engine in use.
  await send(false, 0);
  await send(true, 0);
  for (let n = 0; n < 10; n++) await send(n % 2 === 0, 500);
  await disk.fill();
  const health = await until('health reports the disk as down', async () => {
    const reply = await api.get('/health');
    return reply.json.dependencies.disk?.status === 'down' && reply;
  });
  t.is(health.status, 503);
  t.regex(health.json.dependencies.disk.error, /Nothing can be written to the data directory/);
  const fullSince = Date.now();
  while (Date.now() - fullSince < FULL_MS) {
    await send(accepted.length % 2 === 0, 0);
    await delay(50);
  }
  await disk.free();
  t.log(`${accepted.length} accepted`);
  for (const { id, fails } of accepted) {
    const ended = await until(`${id} has ended`, async () => {
      const { json } = await api.get(`/v1/invocations/${id}`);
      return json.completed_at !== null && json.completed_at !== undefined && json;
    });
    t.is(ended.state, fails ? 'dead' : 'success', JSON.stringify(ended));
    const failed = ended.attempts.filter(({ error }: { error: string }) => error !== 'worker died');
    t.is(failed.length, fails ? 2 : 1, JSON.stringify(ended.attempts));
  }
  t.notRegex(log(), /left the queue without having been settled/);
  const healthy = await until('health is ok again', async () => {
    const { json } = await api.get('/health');
    return json.status === 'ok' && json;
  });
  t.deepEqual(healthy.dependencies.disk, { status: 'up' });
  return refusals;
}
