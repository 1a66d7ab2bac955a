import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { openEngine } from '../../workers/engine/engine.js';
import { guestCall, runText } from '../helpers/engine.js';
import { closedGate } from '../helpers/gate.js';
import { guest } from '../helpers/guests.js';
import { until } from '../helpers/until.js';

const kitchen = () => guest('kitchen.c');

test.serial('guests of one namespace that use all memory do not block another namespace', async (t) => {
  const engine = openEngine({ threads: 2, parked: 40, memoryMb: 1024 });
  t.teardown(() => engine.close());
  const wasm = await kitchen();
  let inside = 0;
  let leave = () => {};
  const gate = new Promise<string>((resolve) => {
    leave = () => resolve('{}');
  });
  const httpFetch = () => {
    inside++;
    return gate;
  };
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const call = () => runText(engine, wasm, 'echo here', { namespace: 'victim', memoryLimitMb: 64 });
  const isServed = async () =>
    (await Promise.race([call(), delay(60_000, null, { ref: false })]))?.output === 'here\n';
  t.true(await isServed());
  // They are small while they wait, and then grow all at once.
  const hostile = Array.from({ length: 20 }, () =>
    runText(engine, wasm, 'fetch http://x\nloop', {
      ...{ namespace: 'hostile', memoryLimitMb: 256, timeoutMs: 300_000 },
      ...{ host: { http_fetch: httpFetch }, signal: stop.signal },
    }),
  );
  await until('the guests wait', async () => inside > 3);
  t.true(await isServed(), 'while they wait');
  leave();
  await until('the guests hold the memory', async () => engine.stats().memoryMb > 700);
  for (let n = 0; n < 3; n++) t.true(await isServed(), 'while they grow');
  t.true(engine.stats().memoryMb <= 1024);
  stop.abort();
  for (const { status } of await Promise.all(hostile)) t.is(status, 'cancelled');
});

test('waiting guests count with their used memory, and the memory budget is not exceeded', async (t) => {
  const engine = openEngine({ threads: 2, parked: 16, memoryMb: 700 });
  t.teardown(() => engine.close());
  const wasm = await kitchen();
  let most = 0;
  const fetches = () => {
    let inside = 0;
    const { opened: gate, open: release } = closedGate();
    const httpFetch = async () => {
      most = Math.max(most, ++inside);
      t.true(engine.stats().memoryMb <= 700);
      // More than two must be in their host call at once, otherwise none returns.
      if (inside === 3) release();
      await gate;
      inside--;
      return '';
    };
    return Promise.all(
      Array.from({ length: 12 }, () =>
        runText(engine, wasm, 'fetch http://x', {
          ...{ memoryLimitMb: 256, timeoutMs: 300_000 },
          host: { http_fetch: httpFetch },
        }),
      ),
    );
  };
  await fetches();
  const outcomes = await fetches();
  t.true(outcomes.every(({ status }) => status === 'success'));
  t.true(most > 2, `${most} at once; with their limits counted it would be two`);
  t.is(engine.stats().parked, 0);
});

test('a guest that waits in http_next is charged for the memory that it has then', async (t) => {
  const engine = openEngine({ threads: 1, parked: 4, memoryMb: 700 });
  t.teardown(() => engine.close());
  const { opened: gate, open: release } = closedGate();
  const { opened: waits, open: isWaiting } = closedGate();
  const httpNext = async () => {
    isWaiting();
    await gate;
    return '';
  };
  const running = runText(engine, await kitchen(), 'grow-and-next 100', {
    ...{ memoryLimitMb: 256, timeoutMs: 300_000 },
    host: { http_next: httpNext },
  });
  await waits;
  t.is(engine.stats().parked, 1);
  const { memoryMb } = engine.stats();
  t.true(memoryMb >= 100 && memoryMb < 110, `${memoryMb}`);
  release();
  t.is((await running).status, 'success');
});

test('a large guest starts although small guests keep arriving', async (t) => {
  const engine = openEngine({ threads: 2, parked: 8, memoryMb: 256 });
  t.teardown(() => engine.close());
  const wasm = await kitchen();
  let large = false;
  const small = async () => {
    while (!large) await runText(engine, wasm, 'sleep 20', { memoryLimitMb: 64, namespace: 'small' });
  };
  const many = Array.from({ length: 6 }, small);
  await delay(100);
  const outcome = await runText(engine, wasm, 'echo in', { memoryLimitMb: 256, namespace: 'large' });
  large = true;
  t.is(outcome.output, 'in\n');
  await Promise.all(many);
});

test('a guest whose memory limit exceeds the budget is refused with unavailable', async (t) => {
  const engine = openEngine({ threads: 1, parked: 0, memoryMb: 100 });
  t.teardown(() => engine.close());
  await t.throwsAsync(engine.run(guestCall(await kitchen(), '', { memoryLimitMb: 256 })), {
    code: 'unavailable',
    message: /needs 256 MB/,
  });
});
