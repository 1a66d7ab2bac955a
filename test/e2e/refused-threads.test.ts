import test from 'ava';
import { notRun } from '../helpers/not-run.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { processLimit } from '../helpers/process-limit.js';
import { startEngine } from '../helpers/running-engine.js';
import { until } from '../helpers/until.js';

const limit = processLimit();

if (limit === null) notRun('control groups: not available, real limits of threads not run');
else {
  test('while the system refuses threads, calls get 503 and other jobs run later', async (t) => {
    const engine = await startEngine({
      enter: limit.enter,
      env: { WORKER_THREADS: '1', WORKER_PARKED: '0' },
    });
    t.teardown(async () => {
      await engine.close();
      await limit.close();
    });
    const { api } = engine;
    const echo = commands({ op: 'echo', a: 'x' });
    await api.deploy('probe', await probeWasm(), { timeout_seconds: '1' });
    t.is((await api.invoke('probe', echo)).status, 200);
    t.is((await api.get('/health')).json.dependencies.threads.status, 'up');

    limit.refuse();
    // A timeout ends the thread.
    await until('no thread is left', async () => {
      await api.invoke('probe', commands({ op: 'spin' }));
      return (await api.get('/health')).json.dependencies.threads.status === 'down';
    });
    const since = performance.now();
    const refused = await api.invoke('probe', echo);
    t.log(`refused after ${Math.round(performance.now() - since)} ms`);
    t.is(refused.status, 503, refused.text);
    t.like(refused.json, { code: 'unavailable', status: 'error' });
    t.regex(refused.json.error, /^No thread can be started for functions/);
    const recorded = await api.get(`/v1/invocations/${refused.json.request_id}`);
    t.like(recorded.json, { state: 'error', attempts: [] }, 'no attempt has run');
    const { json } = await api.invoke('probe', echo, { prefer: 'respond-async' });
    await until('the log says so', () =>
      /Threads to run functions cannot be started; retrying/.test(engine.log()),
    );

    limit.allow();
    const ended = await until('the queued invocation has run', async () => {
      const { json: now } = await api.get(`/v1/invocations/${json.request_id}`);
      return now.completed_at && now;
    });
    t.is(ended.state, 'success');
    t.is(ended.attempts.length, 1);
    t.is((await api.get('/health')).status, 200);
    t.is((await api.invoke('probe', echo)).status, 200);
  });
}
