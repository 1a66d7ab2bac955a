import test from 'ava';
import { createEngine } from '../../workers/engine.js';
import { runText } from '../helpers/engine.js';
import { guest } from '../helpers/guests.js';
import { isolationRound } from '../helpers/isolation.js';

test('two namespaces, 64 at once: each sees its own wallet, secret, env, request id, cache, database and log', async (t) => {
  const engine = createEngine({ threads: 2, parked: 64 });
  t.teardown(() => engine.close());
  const { runs, mixed } = await isolationRound(engine, { invocations: 1500, atOnce: 64 });
  t.is(runs, 1500);
  t.deepEqual(mixed, []);
});

test('a guest that overwrites its memory leaves no trace in the next', async (t) => {
  const engine = createEngine({ threads: 1, parked: 0 });
  t.teardown(() => engine.close());
  const wasm = await guest('kitchen.c');
  for (let round = 0; round < 5; round++) {
    t.is((await runText(engine, wasm, 'count\ncount')).output, '1\n2\n');
    await runText(engine, wasm, 'count\ndeface');
  }
  const reactor = await guest('kitchen.reactor.c');
  for (const input of ['a', 'grow', 'b', 'grow', 'c']) {
    const { output } = await runText(engine, reactor, input, { warmStart: 'reactor' });
    // The alphabet and the count are new, and so is the end of its memory.
    t.is(output, `abcdefghijklmnopqrstuvwxyz1${input}.`);
  }
});
