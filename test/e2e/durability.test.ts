import { execFile } from 'node:child_process';
import { readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { gateServer } from '../helpers/gate-server.js';
import { loggedAttempts } from '../helpers/logged.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { spawnEngine, startEngine } from '../helpers/running-engine.js';
import { succeeds } from '../helpers/succeeds.js';
import { until } from '../helpers/until.js';

test('all of 100 acknowledged events run after a kill -9 and a restart', async (t) => {
  const EVENTS = 100;
  const first = await startEngine({ env: { WORKER_CONCURRENCY: '2' } });
  t.teardown(() => rm(first.dataDir, { recursive: true, force: true }));
  await first.api.put('/v1/functions/secrets', { name: 'TOKEN', value: 'kept' });
  await first.api.deploy('probe', await probeWasm(), {
    metadata: JSON.stringify({ triggers: [{ topic: 'work' }] }),
  });
  // Each event takes long enough that most are still queued when the process is killed.
  const published = await Promise.all(
    Array.from({ length: EVENTS }, (_, n) =>
      first.api.publish('work', [
        { op: 'sleep', n: 100 },
        { op: 'log', a: `event ${n}` },
        { op: 'secret', a: 'TOKEN' },
      ]),
    ),
  );
  t.true(published.every(({ status }) => status === 200));
  await first.kill9();

  const second = await startEngine({ dataDir: first.dataDir });
  t.teardown(second.stop);
  t.is(second.adminKey, first.adminKey);
  const seen = await until(
    'all events in the log',
    async () => {
      const { json } = await second.api.get('/v1/functions/probe/logs?limit=1000&status=success');
      const messages = new Set(
        json.logs.flatMap(({ messages: lines }: { messages: { message: string }[] }) =>
          lines.map(({ message }) => message),
        ),
      );
      return messages.size >= EVENTS && messages;
    },
    120_000,
  );
  for (let n = 0; n < EVENTS; n += 1) t.true(seen.has(`event ${n}`), `event ${n}`);
  t.is((await second.api.get('/v1/functions/secrets')).json.count, 1);
  t.is((await second.api.get('/v1/functions/probe/triggers')).json.count, 1);
  const reply = await second.api.invoke('probe', commands({ op: 'secret', a: 'TOKEN' }));
  t.deepEqual(reply.json, { results: ['kept'] });
});

test('an acknowledged batch runs completely and in order after a kill -9 and a restart', async (t) => {
  const MESSAGES = 200;
  const first = await startEngine({ env: { WORKER_CONCURRENCY: '1' } });
  t.teardown(() => rm(first.dataDir, { recursive: true, force: true }));
  await first.api.deploy('probe', await probeWasm(), {
    metadata: JSON.stringify({ triggers: [{ topic: 'work' }] }),
  });
  const messages = Array.from({ length: MESSAGES }, (_, n) => ({
    topic: 'work',
    data: [{ op: 'log', a: String(n) }],
  }));
  const { status } = await first.api.post('/v1/pubsub/publish/batch', { messages });
  await first.kill9();
  t.is(status, 200);

  const second = await startEngine({ dataDir: first.dataDir, env: { WORKER_CONCURRENCY: '1' } });
  t.teardown(second.stop);
  const records = await until('all are logged', async () => {
    const found = await loggedAttempts(second.api, 'probe', '&status=success');
    return found.length >= MESSAGES && found;
  });
  // Records are sorted newest first.
  const ran = records.toReversed().flatMap(({ attempt, messages: [line] }) => ({
    number: Number(line?.message),
    attempt,
  }));
  const sorted = (numbers: number[]) => numbers.toSorted((one, other) => one - other);
  t.deepEqual(
    sorted(ran.map(({ number }) => number)),
    messages.map((_, n) => n),
  );
  // A job that was running at the kill, or whose end was not durable yet, is delivered again after
  // its lock has expired, behind others. They are as many as fit into one commit of log rows.
  const unhurt = ran.filter(({ attempt }) => attempt === 1).map(({ number }) => number);
  t.deepEqual(unhurt, sorted(unhurt));
  t.true(unhurt.length >= 0.9 * MESSAGES, `${unhurt.length} of ${MESSAGES} by their first attempt`);
});

test('jobs interrupted by a kill -9 run again with a failed attempt recorded and no retry used', async (t) => {
  const gate = await gateServer(t);
  const env = { EGRESS_ALLOW: '127.0.0.1' };
  const first = await startEngine({ env });
  t.teardown(() => rm(first.dataDir, { recursive: true, force: true }));
  await first.api.deploy('once', await probeWasm());
  await first.api.deploy('twice', await probeWasm(), { retry_count: '1', retry_delay_seconds: '0' });
  const asynchronous = { prefer: 'respond-async' };
  const send = async (name: string, input: string) =>
    (await first.api.invoke(name, input, asynchronous)).json.request_id as string;
  const ids = {
    fine: await send('once', commands(gate.wait, { op: 'env', a: 'ORAMA_ATTEMPT' })),
    failing: await send('twice', commands(gate.wait, { op: 'exit', n: 1 })),
  };
  await until('both run', () => gate.visitors() === 2);
  await first.kill9();
  gate.open();

  const second = await startEngine({ dataDir: first.dataDir, env });
  t.teardown(second.stop);
  const ended = (id: string) =>
    until('the invocation has ended', async () => {
      const { json } = await second.api.get(`/v1/invocations/${id}`);
      return json.completed_at && json;
    });
  const attempts = ({ attempts: all }: { attempts: Record<string, unknown>[] }) =>
    all.map(({ number, status, error }) => [number, status, error === 'worker died']);
  const fine = await ended(ids.fine);
  t.is(fine.state, 'success');
  t.is(JSON.parse(fine.output).results[1], '2');
  t.deepEqual(attempts(fine), [
    [1, 'error', true],
    [2, 'success', false],
  ]);
  const failing = await ended(ids.failing);
  t.is(failing.state, 'dead');
  t.deepEqual(attempts(failing), [
    [1, 'error', true],
    [2, 'error', false],
    [3, 'error', false],
  ]);
});

test('a second engine, or a release, on the same data directory exits with an error that names the directory', async (t) => {
  const engine = await startEngine();
  t.teardown(engine.close);
  const second = spawnEngine(engine.dataDir, {});
  const code = await new Promise((resolve) => second.process.once('close', resolve));
  t.is(code, 1);
  t.regex(second.log(), new RegExp(`${engine.dataDir}.*in use`));
  // A later version would change the schema under the engine that runs.
  const release = await promisify(execFile)(process.execPath, ['dist/app/main.js', 'release'], {
    env: { PATH: process.env.PATH, ORAMA_DATA_DIR: engine.dataDir },
  }).catch((error) => error);
  t.is(release.code, 1);
  t.regex(release.stderr, new RegExp(`${engine.dataDir}.*in use`));
  t.is((await engine.api.get('/health')).status, 200);
});

test('an engine with a truncated key file exits with an error that names the file', async (t) => {
  const { dataDir, stop } = await startEngine();
  t.teardown(() => rm(dataDir, { recursive: true, force: true }));
  await stop();
  for (const [name, bytes] of [
    ['admin-key', 0],
    ['admin-key', 20],
    ['secrets-key', 0],
    ['secrets-key', 20],
  ] as const) {
    const file = join(dataDir, name);
    const whole = await readFile(file);
    await truncate(file, bytes);
    const cut = spawnEngine(dataDir, {});
    t.is(await new Promise((resolve) => cut.process.once('close', resolve)), 1);
    t.regex(cut.log(), new RegExp(`^error: ${file} .*; put (back )?the file`), cut.log());
    await writeFile(file, whole);
  }
});

test('SIGTERM lets a running call finish and ends the engine with exit code 0', async (t) => {
  const engine = await startEngine({ env: { EGRESS_ALLOW: '127.0.0.1' } });
  t.teardown(engine.close);
  await engine.api.deploy('probe', await probeWasm());
  const gate = await gateServer(t);
  const call = engine.api.invoke('probe', commands(gate.wait, { op: 'echo', a: 'finished' }));
  await until('a running call', () => gate.visitors() > 0);
  const code = engine.stop();
  await until('the engine accepts no more', async () => !(await succeeds(engine.api.get('/health'))));
  gate.open();
  const reply = await call;
  t.is(reply.json.results[1], 'finished', reply.text);
  t.is(await code, 0);
});
