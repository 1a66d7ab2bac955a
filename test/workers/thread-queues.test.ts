import test from 'ava';
import type { Engine } from '../../src/ports/engine.js';
import { openEngine } from '../../workers/engine/engine.js';
import { runText } from '../helpers/engine.js';
import { guest } from '../helpers/guests.js';

const kitchen = () => guest('kitchen.c');

/** Runs a guest until the engine classifies its runs as short. */
async function runUntilShort(engine: Engine, wasm: Uint8Array): Promise<void> {
  for (let n = 0; n < 30; n++) await runText(engine, wasm, 'echo in');
}

test('short runs queued together on a thread each have their own output and log', async (t) => {
  const engine = openEngine({ threads: 2, parked: 0 });
  t.teardown(() => engine.close());
  const wasm = await kitchen();
  await runUntilShort(engine, wasm);
  const outcomes = await Promise.all(
    Array.from({ length: 60 }, (_, n) => runText(engine, wasm, n % 2 === 0 ? `echo ${n}` : `stderr ${n}`)),
  );
  t.deepEqual(
    outcomes.map(({ output, log }) => [output, ...log]),
    Array.from({ length: 60 }, (_, n) => (n % 2 === 0 ? [`${n}\n`] : ['', `error: ${n}`])),
  );
});

test('runs queued behind an unexpectedly long run are run on another thread', async (t) => {
  const engine = openEngine({ threads: 2, parked: 0 });
  t.teardown(() => engine.close());
  const wasm = await kitchen();
  await runUntilShort(engine, wasm);
  const ended: string[] = [];
  const run = async (input: string) => {
    const { output } = await runText(engine, wasm, input);
    ended.push(input);
    return output;
  };
  const outputs = await Promise.all([run('spin 1000000'), run('echo next'), run('echo then')]);
  t.deepEqual(outputs.slice(1), ['next\n', 'then\n']);
  t.is(ended.at(-1), 'spin 1000000');
});

test('runs queued on a killed thread run once on another thread', async (t) => {
  const engine = openEngine({ threads: 1, parked: 0 });
  t.teardown(() => engine.close());
  const wasm = await kitchen();
  await runUntilShort(engine, wasm);
  const [looped, ...others] = await Promise.all([
    runText(engine, wasm, 'loop', { timeoutMs: 200 }),
    ...Array.from({ length: 5 }, (_, n) => runText(engine, wasm, `stderr ${n}`)),
  ]);
  t.is(looped?.status, 'timeout');
  t.deepEqual(
    others.map(({ status, log }) => [status, ...log]),
    Array.from({ length: 5 }, (_, n) => ['success', `error: ${n}`]),
  );
});

test('cancelling a queued run does not stop the run before it on the same thread', async (t) => {
  const engine = openEngine({ threads: 1, parked: 0 });
  t.teardown(() => engine.close());
  const wasm = await kitchen();
  await runUntilShort(engine, wasm);
  const kills = engine.stats().kills;
  const cancelled = new AbortController();
  const first = runText(engine, wasm, 'spin 100000');
  const next = runText(engine, wasm, 'echo next', { signal: cancelled.signal });
  cancelled.abort();
  t.is((await next).status, 'cancelled');
  t.is((await first).status, 'success');
  t.is(engine.stats().kills, kills);
  t.is((await runText(engine, wasm, 'echo on')).output, 'on\n');
});

test('a run queued on a thread does not wait for a sleeping guest', async (t) => {
  const engine = openEngine({ threads: 1, parked: 4 });
  t.teardown(() => engine.close());
  const wasm = await kitchen();
  await runUntilShort(engine, wasm);
  const stop = new AbortController();
  const asleep = runText(engine, wasm, 'sleep 600000', { signal: stop.signal, timeoutMs: 300_000 });
  // If it waited for the sleeping guest, this would not end.
  t.is((await runText(engine, wasm, 'echo next')).output, 'next\n');
  stop.abort();
  t.is((await asleep).status, 'cancelled');
});
