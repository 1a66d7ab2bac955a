import { join } from 'node:path';
import test from 'ava';
import { openStore } from '../../db/open.js';
import { startCluster } from '../helpers/cluster.js';
import { startKubo } from '../helpers/kubo.js';
import { notRun } from '../helpers/not-run.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { findServer } from '../helpers/servers.js';
import { until } from '../helpers/until.js';

const ipfs = findServer('ipfs', 'TEST_IPFS', 'ipfs');

if (ipfs === null) notRun('ipfs: not found, real-server suite not run: modules while Kubo is down');
else {
  test('while Kubo is down, loaded modules run, sync calls of others get 503 and async calls run later', async (t) => {
    const kubo = await startKubo(ipfs);
    t.teardown(kubo.close);
    const cluster = await startCluster({ IPFS_API_URL: kubo.url });
    t.teardown(cluster.close);
    const web = await cluster.web();
    const echo = commands({ op: 'echo', a: 'x' });
    await web.api.deploy('cold', await probeWasm(), { memory_limit_mb: '32' });
    // Enough versions that a starting worker prepares these and not the one before them.
    for (let version = 0; version < 33; version++) await web.api.deploy('known', await probeWasm());
    await cluster.worker();
    t.is((await web.api.invoke('known', echo)).status, 200);
    await kubo.kill();

    t.is((await web.api.invoke('known', echo)).status, 200);
    const since = Date.now();
    const refused = await web.api.invoke('cold', echo);
    t.is(refused.status, 503, refused.text);
    t.like(refused.json, { code: 'unavailable', status: 'error' });
    t.regex(refused.json.error, /The module of cold cannot be loaded: The storage cannot be reached/);
    t.log(`refused after ${Date.now() - since} ms`);
    const { json } = await web.api.invoke('cold', echo, { prefer: 'respond-async' });
    const deployed = await web.api.deploy('new', await probeWasm(), { memory_limit_mb: '16' });
    t.is(deployed.status, 503, deployed.text);
    const health = await web.api.get('/health');
    t.is(health.status, 503);

    await kubo.restart();
    const ended = await until('the queued invocation has run', async () => {
      const { json: now } = await web.api.get(`/v1/invocations/${json.request_id}`);
      return now.completed_at && now;
    });
    t.is(ended.state, 'success');
    t.is(ended.attempts.length, 1);
    t.is((await web.api.invoke('cold', echo)).status, 200);
  });

  test('a deploy whose storage goes away after its version was added does not say that nothing was', async (t) => {
    const kubo = await startKubo(ipfs);
    t.teardown(kubo.close);
    const cluster = await startCluster({ IPFS_API_URL: kubo.url });
    t.teardown(cluster.close);
    const { api } = await cluster.web();
    const first = await api.deploy('probe', await probeWasm());
    t.is(first.status, 201, first.text);
    const cid = first.json.function.wasm_cid;
    await api.delete('/v1/functions/probe');
    const store = await openStore({ driver: 'sqlite', file: join(cluster.dataDir, 'metadata.sqlite') });
    t.teardown(store.close);
    // Another process deletes the module, for which the deploy waits once its version is added.
    const token = await until('the module is unreferenced', () => store.blobOwners.markForDeletion(cid));
    const deploying = api.deploy('probe', await probeWasm());
    const added = async () => (await api.get('/v1/functions/probe')).status === 200;
    await until('the version is added', added);
    await kubo.kill();
    await store.blobOwners.unmark(cid, token ?? '');
    const reply = await deploying;
    t.is(reply.status, 503, reply.text);
    t.is(reply.json.code, 'ambiguous_write');
    t.regex(reply.json.error, /Version 2 of probe was added/);
  });
}
