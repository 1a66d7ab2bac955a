import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { runCli } from '../helpers/cli.js';
import { cut, damage } from '../helpers/damage.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { startEngine } from '../helpers/running-engine.js';
import { until } from '../helpers/until.js';

const ECHO = commands({ op: 'echo', a: 'x' });
const CAUSE = /^The module of hurt cannot be loaded: The stored blob \w+ is damaged: .*Deploy hurt again/;

// test/conformance/blobs.ts damages blobs in each way and on each driver.
test('jobs of a module that was cut on the disk fail with the cause, die, and run after another deploy', async (t) => {
  const first = await startEngine();
  const { dataDir } = first;
  t.teardown(() => rm(dataDir, { recursive: true, force: true }));
  const wasm = await probeWasm();
  // Another CID.
  const other = Buffer.concat([wasm.subarray(0, 8), Buffer.from([0, 2, 1, 0x61]), wasm.subarray(8)]);
  t.is((await first.api.deploy('hurt', wasm, { retry_count: '1', retry_delay_seconds: '0' })).status, 201);
  t.is((await first.api.deploy('whole', other)).status, 201);
  await first.stop();
  await damage(join(dataDir, 'blobs'), wasm, cut);

  const { api, url, adminKey, stop, log } = await startEngine({ dataDir });
  t.teardown(stop);
  const refused = await api.invoke('hurt', ECHO);
  t.is(refused.status, 500, refused.text);
  t.like(refused.json, { status: 'error', code: 'function_error' });
  t.regex(refused.json.error, CAUSE);
  const { json: accepted } = await api.invoke('hurt', ECHO, { prefer: 'respond-async' });
  const dead = await until('it is dead', async () => {
    const { json } = await api.get(`/v1/invocations/${accepted.request_id}`);
    return json.completed_at !== null && json;
  });
  t.is(dead.state, 'dead');
  t.is(dead.attempts.length, 2);
  for (const { status, error } of dead.attempts) {
    t.is(status, 'error');
    t.regex(error, CAUSE);
  }
  const rollback = await api.post('/v1/functions/hurt/rollback', { version: 1 });
  t.is(rollback.status, 500, rollback.text);
  t.like(rollback.json, { code: 'blob_damaged' });
  const modules = (await api.get('/v1/health/modules')).json;
  t.like(modules, { status: 'damaged', checked: 2 });
  t.deepEqual(
    modules.damaged.map((module: Record<string, unknown>) => [module.function, module.version]),
    [['hurt', 1]],
  );
  const doctor = () =>
    runCli(['doctor'], { home: dataDir, env: { ORAMA_URL: url, ORAMA_API_KEY: adminKey } });
  const found = await doctor();
  t.is(found.code, 1);
  t.regex(found.stdout, /wrong +modules +hurt@1: The stored blob/);
  // Everything else goes on.
  t.is((await api.get('/health')).status, 200);

  t.is((await api.deploy('hurt', wasm)).status, 201);
  t.is((await api.invoke('hurt', ECHO)).status, 200, log());
  t.is((await api.invoke('hurt@1', ECHO)).status, 200, 'the earlier version has the same module');
  t.deepEqual((await api.post('/v1/functions/hurt/dead/replay', {})).json, { count: 1 });
  await until('the replay has run', async () => {
    const { json } = await api.get(`/v1/invocations?parent_id=${accepted.request_id}`);
    return json.invocations[0]?.state === 'success';
  });
  t.like((await api.get('/v1/health/modules')).json, { status: 'ok', damaged: [] });
  t.regex((await doctor()).stdout, /ok +modules +2 stored, none damaged/);
});
