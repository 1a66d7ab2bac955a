import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { HOUR_MS } from '../../src/contract/limits.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { startEngine, type TestEngine } from '../helpers/running-engine.js';
import { until } from '../helpers/until.js';

const ASYNC = { prefer: 'respond-async' };
const EVERY_SECOND = '* * * * * *';

/** Starts an engine whose clock jumps to each of these shifts in turn, on SIGUSR2. */
async function jumpingEngine(...shifts: number[]): Promise<TestEngine> {
  const preload = new URL('../helpers/shifted-clock.js', import.meta.url);
  preload.search = `?ms=${shifts.join(',')}&later`;
  // Short locks, so that several checks for stalled jobs happen while a guest runs.
  return startEngine({ env: { NODE_OPTIONS: `--import=${preload.href}`, QUEUE_LOCK_SECONDS: '1' } });
}

async function send({ api }: TestEngine, name: string, input: string, headers = {}): Promise<string> {
  return (await api.invoke(name, input, { ...ASYNC, ...headers })).json.request_id;
}

async function running({ api }: TestEngine, count: number): Promise<void> {
  await until(`${count} run`, async () => {
    const { json } = await api.get('/v1/invocations?status=running');
    return json.count >= count;
  });
}

async function ended({ api }: TestEngine, id: string) {
  return until(`${id} has ended`, async () => {
    const { json } = await api.get(`/v1/invocations/${id}`);
    return json.completed_at !== null && json;
  });
}

test('a clock that is set back by an hour prolongs no timeout, delay, retry or schedule', async (t) => {
  const engine = await jumpingEngine(-HOUR_MS);
  t.teardown(engine.close);
  const wasm = await probeWasm();
  const metadata = JSON.stringify({ triggers: [{ cron: EVERY_SECOND }] });
  await engine.api.deploy('endless', wasm, { timeout_seconds: '10' });
  await engine.api.deploy('again', wasm, { retry_count: '1', retry_delay_seconds: '4' });
  await engine.api.deploy('ticking', wasm, { metadata });
  const endless = [
    await send(engine, 'endless', commands({ op: 'sleep', n: 60_000 })),
    await send(engine, 'endless', commands({ op: 'spin' })),
  ];
  await running(engine, endless.length);
  const delayed = await send(engine, 'again', '[]', { 'x-delay-seconds': '4' });
  const failing = await send(engine, 'again', commands({ op: 'exit', n: 1 }));
  await until('the first attempt has failed', async () => {
    const { json } = await engine.api.get(`/v1/invocations/${failing}`);
    return json.attempts.length > 0;
  });
  const ticks = async () =>
    (await engine.api.get('/v1/invocations?function=ticking&status=success&limit=500')).json.invocations;
  await until('ticks', async () => (await ticks()).length > 2);
  process.kill(engine.pid, 'SIGUSR2');
  const before = (await ticks()).length;

  for (const id of endless) {
    const { state, attempts } = await ended(engine, id);
    t.is(state, 'dead');
    t.like(attempts[0], { status: 'timeout' });
    t.true(Math.abs(attempts[0].duration_ms - 10_000) < 60_000, `it took ${attempts[0].duration_ms} ms`);
  }
  t.is((await ended(engine, delayed)).state, 'success');
  t.is((await ended(engine, failing)).attempts.length, 2);
  await until('further ticks', async () => (await ticks()).length > before + 2);
  const inputs = (await ticks()).map(({ input }: { input: string }) => JSON.parse(input).scheduled_at);
  t.is(new Set(inputs).size, inputs.length, 'no tick twice');
});

test('a clock that is set forward by an hour ends no guest and makes no worker count as dead', async (t) => {
  const shifts = Array.from({ length: 10 }, (_, n) => (n + 1) * HOUR_MS);
  const engine = await jumpingEngine(...shifts);
  t.teardown(engine.close);
  await engine.api.deploy('probe', await probeWasm(), { timeout_seconds: '20' });
  const sleep = commands({ op: 'sleep', n: 6000 });
  const ids = await Promise.all(Array.from({ length: 8 }, () => send(engine, 'probe', sleep)));
  await running(engine, ids.length);
  // Wherever each falls between a renewal of the locks and a check.
  for (const _ of shifts) {
    process.kill(engine.pid, 'SIGUSR2');
    await delay(400);
  }
  for (const id of ids) {
    const { state, attempts } = await ended(engine, id);
    t.is(state, 'success');
    t.is(attempts.length, 1, JSON.stringify(attempts));
  }
  t.notRegex(engine.log(), /Lost the lock/);
});

test('an engine that is stopped and continued again and again runs everything once', async (t) => {
  const engine = await startEngine({ env: { QUEUE_LOCK_SECONDS: '1' } });
  t.teardown(engine.close);
  await engine.api.deploy('probe', await probeWasm(), { timeout_seconds: '60' });
  const sleep = commands({ op: 'sleep', n: 9000 });
  const ids = await Promise.all(Array.from({ length: 8 }, () => send(engine, 'probe', sleep)));
  await running(engine, ids.length);
  for (let stop = 0; stop < 5; stop++) {
    process.kill(engine.pid, 'SIGSTOP');
    await delay(1200);
    process.kill(engine.pid, 'SIGCONT');
    await delay(400);
  }
  for (const id of ids) t.is((await ended(engine, id)).attempts.length, 1);
  t.notRegex(engine.log(), /Lost the lock/);
});
