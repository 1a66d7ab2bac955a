import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { startCluster } from '../helpers/cluster.js';
import { commands, probeWasm } from '../helpers/probe.js';

test('a starting worker loads the modules that ran last, and runs them after the blobs are removed', async (t) => {
  const cluster = await startCluster();
  t.teardown(cluster.close);
  const [web, worker] = await Promise.all([cluster.web(), cluster.worker()]);
  const echo = commands({ op: 'echo', a: 'x' });
  await web.api.deploy('probe', await probeWasm());
  t.is((await web.api.invoke('probe', echo)).status, 200);
  await worker.stop();
  await cluster.worker();
  await rename(join(cluster.dataDir, 'blobs'), join(cluster.dataDir, 'blobs-away'));
  const reply = await web.api.invoke('probe', echo);
  t.is(reply.status, 200, reply.text);
});
