import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Api } from '../helpers/api.js';
import { READY, spawnRole } from '../helpers/cluster.js';
import { onRqlite } from '../helpers/on-rqlite.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { readyLine } from '../helpers/ready-line.js';
import { startRedis } from '../helpers/redis-server.js';
import { startRqlite } from '../helpers/rqlited.js';

const ROUNDS = 2;
const WEBS = 2;

/**
 * Several processes start concurrently and create everything that a first start creates; they must
 * agree on all of it.
 */
async function startAtOnce(t: ExecutionContext, settings: Record<string, string>) {
  const redis = await startRedis();
  const dataDir = await mkdtemp(join(tmpdir(), 'orama-first-'));
  const env = { HOME: dataDir, PORT: '0', ORAMA_DATA_DIR: dataDir, REDIS_URL: redis.url, ...settings };
  const roles = [...Array.from({ length: WEBS }, () => 'web' as const), 'worker' as const];
  const started = roles.map((role) => ({ role, ...spawnRole(role, env) }));
  t.teardown(async () => {
    await Promise.all(started.map(({ process }) => process.kill9()));
    await redis.close();
    await rm(dataDir, { recursive: true, force: true });
  });
  const ready = await Promise.all(
    started.map(({ role, child, process }) => readyLine(child, READY[role], process.log)),
  );
  const file = join(dataDir, 'admin-key');
  const key = (await readFile(file, 'utf8')).trim();
  t.is((await stat(file)).mode & 0o777, 0o600);
  const [first, ...others] = ready.slice(0, WEBS).map((url) => new Api(url, key));
  if (first === undefined) throw new Error('no web');

  const deployed = await first.deploy('probe', await probeWasm());
  t.is(deployed.status, 201, deployed.text);
  t.is((await first.put('/v1/functions/secrets', { name: 'TOKEN', value: 'of the first' })).status, 200);
  const token = await first.post('/v1/auth/token', {});
  t.is(token.status, 200, token.text);
  for (const other of others) {
    // The worker decrypts what a web process has encrypted, and each web process accepts the admin
    // key and the signatures of the other one.
    const called = await other.invoke('probe', commands({ op: 'secret', a: 'TOKEN' }));
    t.deepEqual(called.json, { results: ['of the first'] }, called.text);
    const who = await other
      .as()
      .get('/v1/auth/whoami', { authorization: `Bearer ${token.json.access_token}` });
    t.is(who.status, 200, who.text);
  }
  t.is((await first.get('/v1/auth/keys')).json.keys.length, 1);
}

test('processes that start concurrently without data agree on one schema and one key of each kind', async (t) => {
  for (let round = 0; round < ROUNDS; round += 1) await startAtOnce(t, {});
});

onRqlite('several processes start for the first time at once', (binary) => {
  test('processes that start concurrently on an empty RQLite agree on one schema and one key of each kind', async (t) => {
    const rqlite = await startRqlite(binary);
    t.teardown(rqlite.close);
    await startAtOnce(t, { RQLITE_URL: rqlite.urls.join(',') });
  });
});
