import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import type { Engine } from '../../src/ports/engine.js';
import { openEngine } from '../../workers/engine/engine.js';
import { DATA_BYTES } from '../../workers/threads/protocol.js';
import { guestCall, runText } from '../helpers/engine.js';
import { guest } from '../helpers/guests.js';
import { until } from '../helpers/until.js';

/** Long enough for a busy machine to run a guest that ends at once. */
const IN_TIME_MS = 3000;

const kitchen = () => guest('kitchen.c');
const copy = () => guest('copy.c');

function twoThreads(t: { teardown(end: () => Promise<void>): void }): Engine {
  const engine = openEngine({ threads: 2, parked: 0 });
  t.teardown(() => engine.close());
  return engine;
}

/** Returns bytes that no other invocation of a test has. */
function own(turn: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = turn + (at >> 2) + at * (turn & 7);
  return bytes;
}

/**
 * Runs a guest until the engine classifies its runs as short and gives several to a thread at once.
 */
async function runUntilShort(engine: Engine, wasm: Uint8Array): Promise<void> {
  for (let n = 0; n < 30; n++) await runText(engine, wasm, 'x');
}

async function idle(engine: Engine): Promise<void> {
  await until('the engine is idle', () => engine.stats().busy === 0);
}

test('concurrent invocations with inputs of all sizes each return their own output', async (t) => {
  const engine = twoThreads(t);
  const wasm = await copy();
  await runUntilShort(engine, wasm);
  const sizes = [0, 1, 300, DATA_BYTES - 200, DATA_BYTES, DATA_BYTES + 1, 200_000, 1 << 20];
  const mixed: number[] = [];
  await Promise.all(
    Array.from({ length: 400 }, async (_, turn) => {
      const input = own(turn, sizes[turn % sizes.length] ?? 0);
      const { output } = await engine.run(guestCall(wasm, input));
      if (Buffer.compare(input, output) !== 0) mixed.push(turn);
    }),
  );
  t.deepEqual(mixed, []);
});

test('an environment larger than the shared buffer of a thread arrives complete', async (t) => {
  const engine = twoThreads(t);
  const large = 'é'.repeat(DATA_BYTES);
  const { output } = await runText(engine, await kitchen(), 'env LARGE\nenv SMALL', {
    env: { LARGE: large, SMALL: 'small' },
  });
  t.is(output, `${large}\nsmall\n`);
});

test('of 20,000 invocations with kills and cancellations none is lost, duplicated or mixed up', async (t) => {
  const engine = twoThreads(t);
  const [copying, looping] = await Promise.all([copy(), kitchen()]);
  await runUntilShort(engine, copying);
  const counts = { success: 0, cancelled: 0, timeout: 0, wrong: 0 };
  let next = 0;
  const caller = async () => {
    while (next < 20_000) {
      const turn = next++;
      const loops = turn % 500 === 0;
      const input = own(turn, turn % 100 === 7 ? DATA_BYTES + turn : turn % 400);
      const stop = new AbortController();
      const call = loops
        ? guestCall(looping, 'loop', { timeoutMs: 10 })
        : guestCall(copying, input, { signal: stop.signal });
      const running = engine.run(call);
      if (turn % 50 === 3) setImmediate(() => stop.abort());
      const { status, output } = await running;
      if (status === 'error') counts.wrong++;
      else counts[status]++;
      if (status === 'success' && (loops || Buffer.compare(input, output) !== 0)) counts.wrong++;
    }
  };
  await Promise.all(Array.from({ length: 64 }, caller));
  t.is(counts.wrong, 0);
  t.is(counts.timeout, 40);
  t.is(counts.success + counts.cancelled + counts.timeout, 20_000);
  t.true(counts.cancelled <= 400);
  await idle(engine);
  t.is(engine.stats().waiting, 0);
});

test('large inputs queued on a killed thread run once on another thread', async (t) => {
  const engine = openEngine({ threads: 1, parked: 0 });
  t.teardown(() => engine.close());
  const wasm = await kitchen();
  await runUntilShort(engine, wasm);
  for (let round = 0; round < 5; round++) {
    const others = [90_000, 10, 100_000, 20].map(
      (length, n) => `stderr ${'x'.repeat(length)}${n}\necho ${n}`,
    );
    const [looped, ...ended] = await Promise.all([
      runText(engine, wasm, 'loop', { timeoutMs: 50 }),
      ...others.map((input) => runText(engine, wasm, input)),
    ]);
    t.is(looped?.status, 'timeout');
    t.deepEqual(
      ended.map(({ output, log }) => [output, log.length]),
      [0, 1, 2, 3].map((n) => [`${n}\n`, 1]),
    );
  }
});

test('a large input cancelled before its start is not passed to another invocation', async (t) => {
  const engine = openEngine({ threads: 1, parked: 0 });
  t.teardown(() => engine.close());
  const wasm = await kitchen();
  await runUntilShort(engine, wasm);
  for (let round = 0; round < 20; round++) {
    const stop = new AbortController();
    const first = runText(engine, wasm, 'spin 2000\necho first');
    const stopped = runText(engine, wasm, `echo stopped\n${'#'.repeat(DATA_BYTES)}`, { signal: stop.signal });
    stop.abort();
    const next = runText(engine, wasm, 'echo next');
    t.is((await stopped).status, 'cancelled');
    t.is((await first).output, 'first\n');
    t.is((await next).output, 'next\n');
  }
});

test('a guest that is cancelled just after its start is stopped', async (t) => {
  const engine = twoThreads(t);
  const wasm = await kitchen();
  await runText(engine, wasm, 'echo');
  for (let round = 0; round < 5; round++) {
    const stop = new AbortController();
    const running = runText(engine, wasm, 'loop', { signal: stop.signal });
    while (engine.stats().busy === 0) await delay(0);
    stop.abort();
    t.is((await running).status, 'cancelled');
  }
});

test('a guest that ended in time is a success, even if the main thread was blocked past the timeout', async (t) => {
  const engine = twoThreads(t);
  const wasm = await kitchen();
  await runText(engine, wasm, 'echo');
  await idle(engine);
  const running = runText(engine, wasm, 'echo in time', { timeoutMs: IN_TIME_MS });
  // Its program is known: it is given to its thread when the microtasks of this turn have run.
  await Promise.resolve().then(() => Promise.resolve());
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, IN_TIME_MS + 200);
  const { status, output } = await running;
  t.is(status, 'success');
  t.is(output, 'in time\n');
});

test('each of several guests is stopped at its own timeout', async (t) => {
  const engine = openEngine({ threads: 4, parked: 8 });
  t.teardown(() => engine.close());
  const wasm = await kitchen();
  await runText(engine, wasm, 'echo');
  const outcomes = await Promise.all(
    [60_000, 300, 100, 600].map((timeoutMs) => runText(engine, wasm, 'sleep 4000', { timeoutMs })),
  );
  t.deepEqual(
    outcomes.map(({ status }) => status),
    ['success', 'timeout', 'timeout', 'timeout'],
  );
  for (const [n, limit] of [300, 100, 600].entries()) t.true((outcomes[n + 1]?.durationMs ?? 0) >= limit);
});

test('a host call can cancel its guest and start another run', async (t) => {
  const engine = openEngine({ threads: 1, parked: 0 });
  t.teardown(() => engine.close());
  const wasm = await kitchen();
  await runUntilShort(engine, wasm);
  for (let round = 0; round < 50; round++) {
    const stop = new AbortController();
    const others: Promise<{ output: string }>[] = [];
    const host = {
      http_fetch: async () => {
        others.push(runText(engine, wasm, `echo other ${round}`));
        stop.abort();
        return '{}';
      },
    };
    const { status } = await runText(engine, wasm, 'fetch http://x', { signal: stop.signal, host });
    t.true(status === 'success' || status === 'cancelled');
    for (const { output } of await Promise.all(others)) t.is(output, `other ${round}\n`);
  }
  await idle(engine);
  const { waiting, parked } = engine.stats();
  t.deepEqual({ waiting, parked }, { waiting: 0, parked: 0 });
});
