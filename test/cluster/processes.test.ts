import { generateKeyPairSync } from 'node:crypto';
import test from 'ava';
import { spawnRole, startCluster } from '../helpers/cluster.js';
import { loggedAttempts } from '../helpers/logged.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const empty = tempDir();

for (const role of ['web', 'worker'] as const) {
  test(`a ${role} process without REDIS_URL exits with 1 and an error without a stack trace`, async (t) => {
    const { child, process } = spawnRole(role, { ORAMA_DATA_DIR: empty });
    const code = await new Promise((resolve) => child.once('close', resolve));
    t.is(code, 1);
    t.regex(process.log(), new RegExp(`REDIS_URL is not set, and a ${role} process needs`));
    t.notRegex(process.log(), / at .*\.js:/);
  });
}

test('two web and two worker processes started concurrently share all state', async (t) => {
  const cluster = await startCluster();
  t.teardown(cluster.close);
  const [a, b, first, second] = await Promise.all([
    cluster.web(),
    cluster.web(),
    cluster.worker(),
    cluster.worker(),
  ]);
  for (const { log } of [a, b, first, second]) {
    await until('the log says what is shared', () => /share.*one machine/.test(log()));
  }

  const deployed = await a.api.deploy('probe', await probeWasm(), {
    metadata: JSON.stringify({ triggers: [{ topic: 'work:*' }] }),
  });
  t.is(deployed.status, 201, deployed.text);

  // Both web processes know what one of them has accepted.
  const called = await b.api.invoke('probe', commands({ op: 'log', a: 'called' }, { op: 'echo', a: 'hi' }));
  t.deepEqual(called.json, { results: [null, 'hi'] }, called.text);
  const id = called.headers.get('x-request-id');
  const [record] = await until('the log record is written', async () => {
    const found = await loggedAttempts(a.api, 'probe', `&request_id=${id}`);
    return found.length > 0 && found;
  });
  t.is(record?.messages[0]?.message, 'called');

  const published = await b.api.publish('work:one', [{ op: 'log', a: 'fired' }]);
  t.is(published.status, 200, published.text);
  await until('the event has run', async () =>
    (await loggedAttempts(a.api, 'probe')).some(({ messages }) => messages[0]?.message === 'fired'),
  );

  // A deploy through one process applies to calls through the other within 2 s.
  await a.api.deploy('probe', await probeWasm(), { metadata: JSON.stringify({ env: { COLOUR: 'red' } }) });
  const again = await until('the new version is called', async () => {
    const reply = await b.api.invoke('probe', commands({ op: 'env', a: 'COLOUR' }));
    return reply.json.results[0] === 'red' && reply;
  });
  t.is(again.headers.get('x-function-version'), '2');

  const sleeper = await a.api.invoke('probe', commands({ op: 'sleep', n: 25_000 }), {
    prefer: 'respond-async',
  });
  const sleeping = sleeper.json.request_id;
  await until('the sleeping invocation runs', async () => {
    const { json } = await b.api.get(`/v1/invocations/${sleeping}`);
    return json.state === 'running';
  });
  const cancelled = await b.api.delete(`/v1/invocations/${sleeping}`);
  t.is(cancelled.status, 200, cancelled.text);
  const ended = await until('the sleeping invocation has ended', async () => {
    const { json } = await a.api.get(`/v1/invocations/${sleeping}`);
    return json.completed_at && json;
  });
  t.is(ended.state, 'cancelled');
});

for (const role of ['web', 'worker'] as const) {
  test(`a ${role} process whose secrets key is not that of the store does not start`, async (t) => {
    const key = (byte: number) => Buffer.alloc(32, byte).toString('base64');
    // With it, a web process does not need the stored signing key, which is encrypted.
    const { privateKey } = generateKeyPairSync('ed25519');
    const signing = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const cluster = await startCluster({ ORAMA_JWT_KEY: signing });
    t.teardown(cluster.close);
    await cluster.web({ ORAMA_SECRETS_KEY: key(1) });
    const error = await t.throwsAsync(cluster[role]({ ORAMA_SECRETS_KEY: key(2) }));
    t.regex(error.message, /encrypted with another master key.* Set ORAMA_SECRETS_KEY/);
  });
}
