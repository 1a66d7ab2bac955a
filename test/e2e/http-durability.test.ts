import { rm } from 'node:fs/promises';
import test from 'ava';
import { httpGuest } from '../helpers/http-guest.js';
import { startEngine, type TestEngine } from '../helpers/running-engine.js';
import { until } from '../helpers/until.js';

const DELIVERIES = 40;

/** Sends a delivery. Resolves with the status, or null without a response. */
async function deliver(engine: TestEngine, delivery: string): Promise<number | null> {
  try {
    const response = await fetch(`${engine.functionsUrl}/default/hook`, {
      method: 'POST',
      headers: { 'x-delivery': delivery },
      body: JSON.stringify({ delivery }),
    });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return null;
  }
}

test('deliveries repeated after a crash between accept and 202 start one invocation each', async (t) => {
  const first = await startEngine();
  t.teardown(() => rm(first.dataDir, { recursive: true, force: true }));
  const metadata = JSON.stringify({ http: { mode: 'async', idempotency: 'X-Delivery' } });
  const { status } = await first.api.deploy('hook', await httpGuest(), { is_public: 'true', metadata });
  t.is(status, 201);
  const names = Array.from({ length: DELIVERIES }, (_, n) => `delivery-${n}`);
  const sent = names.map((name) => deliver(first, name));
  // Some have been answered, some are queued without a response, some were not accepted.
  await Promise.race(sent);
  await first.kill9();
  const answers = await Promise.all(sent);
  t.true(answers.includes(202));

  const second = await startEngine({ dataDir: first.dataDir });
  t.teardown(second.stop);
  // Each sender without a response retries, and those with one may do so, too.
  const again = await Promise.all(names.map((name) => deliver(second, name)));
  t.deepEqual(new Set(again), new Set([202]));
  const invocations = await until('all have run', async () => {
    const { json } = await second.api.get('/v1/invocations?function=hook&limit=500');
    const ended = json.invocations.filter((one: { state: string }) => one.state === 'success');
    return ended.length >= DELIVERIES && json.invocations;
  });
  t.is(invocations.length, DELIVERIES, 'as many invocations as deliveries');
});
