import test from 'ava';
import { HOUR_MS } from '../../src/contract/limits.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { startEngine } from '../helpers/running-engine.js';
import { until } from '../helpers/until.js';

const ASYNC = { prefer: 'respond-async' };
const ENV = { QUEUE_LOCK_SECONDS: '1' };

/**
 * Returns the settings of an engine whose clock is an hour ahead, or goes back by one on SIGUSR2.
 */
function clock(ms: number, later = ''): { NODE_OPTIONS: string } {
  const preload = new URL('../helpers/shifted-clock.js', import.meta.url);
  preload.search = `?ms=${ms}${later}`;
  return { NODE_OPTIONS: `--import=${preload.href}` };
}

test('what waited or ran when an engine was killed does not wait for an hour by which the clock was set back', async (t) => {
  const ahead = await startEngine({ env: { ...ENV, ...clock(HOUR_MS) } });
  t.teardown(ahead.close);
  const wasm = await probeWasm();
  await ahead.api.deploy('probe', wasm, { retry_count: '1', retry_delay_seconds: '4' });
  await ahead.api.deploy('slow', wasm);
  const send = async (name: string, input: string, headers = {}): Promise<string> =>
    (await ahead.api.invoke(name, input, { ...ASYNC, ...headers })).json.request_id;
  const running = await send('slow', commands({ op: 'sleep', n: 10_000 }));
  await until('it runs', async () => (await ahead.api.get('/v1/invocations?status=running')).json.count > 0);
  const delayed = await send('probe', '[]', { 'x-delay-seconds': '4' });
  const failing = await send('probe', commands({ op: 'exit', n: 1 }));
  await until('its first attempt has failed', async () => {
    const { json } = await ahead.api.get(`/v1/invocations/${failing}`);
    return json.attempts.length > 0;
  });
  await ahead.kill9();

  const engine = await startEngine({ dataDir: ahead.dataDir, env: ENV });
  t.teardown(engine.close);
  const ended = (id: string) =>
    until(`${id} has ended`, async () => {
      const { json } = await engine.api.get(`/v1/invocations/${id}`);
      return json.completed_at !== null && json;
    });
  t.is((await ended(delayed)).state, 'success');
  t.is((await ended(failing)).attempts.length, 2);
  t.is((await ended(running)).state, 'success');
});

test('a rollout watches the new version after the clock was set back by an hour', async (t) => {
  const engine = await startEngine({ env: clock(-HOUR_MS, '&later') });
  t.teardown(engine.close);
  const wasm = await probeWasm();
  for (let version = 1; version <= 3; version++) await engine.api.deploy('probe', wasm);
  const rollout = '/v1/functions/probe/rollout';
  const start = { to: 2, steps: [50], every_seconds: 2, max_error_percent: 10, min_calls: 3 };
  const ends = (state: string) =>
    until(`the rollout is ${state}`, async () => (await engine.api.get(rollout)).json.state === state);
  t.is((await engine.api.post(rollout, start)).status, 202);
  process.kill(engine.pid, 'SIGUSR2');
  const call = async (input: string) => {
    for (let call = 0; call < 3; call++) await engine.api.invoke('probe@2', input);
  };
  // Calls before the check has begun the step again do not count, so they are repeated.
  await until('enough calls are counted', async () => {
    const { state, calls } = (await engine.api.get(rollout)).json;
    if (state === 'running' && calls < start.min_calls) await call('[]');
    return state === 'completed' || calls >= start.min_calls;
  });
  await ends('completed');
});
