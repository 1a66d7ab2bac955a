import test from 'ava';
import { probeWasm } from '../helpers/probe.js';
import { until } from '../helpers/until.js';
import { assemble } from '../helpers/wat.js';
import { aTenant, sharedEngine } from './served.js';

const engine = sharedEngine();

/** Sleeps for a second: WASI preview 1, `subscription` with a relative monotonic clock. */
const SLEEPING = `(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (i32.store (i32.const 16) (i32.const 1))
    (i64.store (i32.const 24) (i64.const 1000000000))
    (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))))`;

test('a backlog of a function with concurrency delays neither the other functions of its namespace nor the calls of its own', async (t) => {
  const tenant = await aTenant(await engine());
  const metadata = JSON.stringify({ concurrency: 1, triggers: [{ topic: 'busy' }] });
  t.is((await tenant.deploy('busy', await assemble(SLEEPING), { metadata })).status, 201);
  t.is((await tenant.deploy('other', await probeWasm())).status, 201);
  for (let sent = 0; sent < 2000; sent += 500) {
    const messages = Array.from({ length: 500 }, () => ({ topic: 'busy', data: null }));
    t.is((await tenant.post('/v1/pubsub/publish/batch', { messages })).status, 200);
  }
  const times: number[] = [];
  for (let call = 0; call < 3; call++) {
    const begun = performance.now();
    const { json } = await tenant.invoke('other', '[]', { prefer: 'respond-async' });
    await until('the other function has run', async () => {
      return (await tenant.get(`/v1/invocations/${json.request_id}`)).json.state === 'success';
    });
    times.push(performance.now() - begun);
  }
  // Behind refused jobs that come back together each took over 12 s.
  t.true(Math.min(...times) < 6000, `the calls took ${times.join(', ')} ms`);
  // A call waits for the guest that runs and for its own; among the events it would take 20 s.
  const waits: number[] = [];
  for (let call = 0; call < 3; call++) {
    const begun = performance.now();
    t.is((await tenant.invoke('busy', '')).status, 200);
    waits.push(performance.now() - begun);
  }
  t.log(`calls of the busy function took ${waits.map(Math.round).join(', ')} ms`);
  t.true(Math.min(...waits) < 6000, `the calls of the busy function took ${waits.join(', ')} ms`);
  t.is((await tenant.delete('/v1/functions/busy')).status, 200);
});
