import { once, setMaxListeners } from 'node:events';
import { setTimeout as delay, setImmediate as immediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import test, { type ExecutionContext } from 'ava';
import { namespaceSchema } from '../../src/contract/ids.js';
import { CpuSlots, LONG_RUN_MS } from '../../workers/engine/cpu-slots.js';
import { openEngine } from '../../workers/engine/engine.js';
import { newRun, type Run } from '../../workers/engine/run.js';
import { RunStats } from '../../workers/engine/run-stats.js';
import { createFreshProgram } from '../../workers/wasm/warm/fresh.js';
import { readSource } from '../../workers/wasm/warm/source.js';
import { aName } from '../helpers/attempt.js';
import { contentId, guestCall, runText } from '../helpers/engine.js';
import { closedGate } from '../helpers/gate.js';
import { guest } from '../helpers/guests.js';
import { ENDLESS, reactor } from '../helpers/reactor.js';
import { until } from '../helpers/until.js';
import { boundMs, medianMs } from '../helpers/waits.js';

// The tests whose guests loop endlessly are serial: the others would get hardly any processor time.

const kitchen = () => guest('kitchen.c');

/**
 * Starts a thread that computes on command, as much as it can now in `ms` milliseconds. Returns the
 * command.
 */
async function computingThread(t: ExecutionContext, ms: number): Promise<() => Promise<void>> {
  const script = `
    const { parentPort, workerData: ms } = require('node:worker_threads');
    let rounds = 0;
    for (const end = performance.now() + ms; performance.now() < end; ) rounds++;
    parentPort.on('message', () => {
      for (let round = 0; round < rounds; round++) performance.now();
      parentPort.postMessage('done');
    });
    parentPort.postMessage('ready');`;
  const thread = new Worker(script, { eval: true, workerData: ms });
  t.teardown(() => thread.terminate());
  await once(thread, 'message');
  return async () => {
    const done = once(thread, 'message');
    thread.postMessage('compute');
    await done;
  };
}

test('waiting guests release CPU slots: 30 guests wait at once on 2 threads', async (t) => {
  const engine = openEngine({ threads: 2, parked: 30 });
  t.teardown(() => engine.close());
  const wasm = await kitchen();
  let inside = 0;
  let most = 0;
  const { opened: gate, open: release } = closedGate();
  const httpFetch = async () => {
    inside++;
    most = Math.max(most, inside);
    // All thirty must be in their host call at once, otherwise none returns.
    if (inside === 30) release();
    await gate;
    return '{"status":200}';
  };
  const all = Array.from({ length: 30 }, () =>
    runText(engine, wasm, 'fetch http://x', { host: { http_fetch: httpFetch }, timeoutMs: 300_000 }),
  );
  const outcomes = await Promise.all(all);
  t.is(most, 30);
  t.true(outcomes.every(({ output }) => output === '{"status":200}\n'));
});

test('waiting guests do not block a computing guest', async (t) => {
  const engine = openEngine({ threads: 1, parked: 4 });
  t.teardown(() => engine.close());
  const wasm = await kitchen();
  let release = () => {};
  const gate = new Promise<string>((resolve) => {
    release = () => resolve('{}');
  });
  const waiting = Array.from({ length: 4 }, () =>
    runText(engine, wasm, 'fetch http://x', { host: { http_fetch: () => gate } }),
  );
  // If one of the four held the only slot, this would never end.
  t.is((await runText(engine, wasm, 'spin 1\necho computed')).output, 'computed\n');
  release();
  t.true((await Promise.all(waiting)).every(({ status }) => status === 'success'));
});

test('a sleeping guest releases its CPU slot', async (t) => {
  const engine = openEngine({ threads: 1, parked: 1 });
  t.teardown(() => engine.close());
  const wasm = await kitchen();
  const stop = new AbortController();
  const asleep = runText(engine, wasm, 'sleep 600000', { signal: stop.signal, timeoutMs: 300_000 });
  await until('the guest is parked', () => engine.stats().parked > 0);
  t.is((await runText(engine, wasm, 'echo awake')).output, 'awake\n');
  stop.abort();
  t.is((await asleep).status, 'cancelled');
});

test('the number of parked guests does not exceed its limit', async (t) => {
  const engine = openEngine({ threads: 1, parked: 2 });
  t.teardown(() => engine.close());
  const wasm = await kitchen();
  let inside = 0;
  let most = 0;
  const { opened: gate, open: release } = closedGate();
  const httpFetch = async () => {
    most = Math.max(most, ++inside);
    // Two are parked and one keeps its slot; wait a while for a fourth, which must not come.
    if (inside === 3) setTimeout(release, 200);
    await gate;
    inside--;
    return '';
  };
  await Promise.all(
    Array.from({ length: 9 }, () =>
      runText(engine, wasm, 'fetch http://x', { host: { http_fetch: httpFetch } }),
    ),
  );
  t.is(most, 3);
});

test('a long queue of one namespace does not delay the first run of another', async (t) => {
  const engine = openEngine({ threads: 1, parked: 0 });
  t.teardown(() => engine.close());
  const wasm = await kitchen();
  const ended: string[] = [];
  // Longer than a thread that joins for another namespace needs to create its first instance.
  const run = async (namespace: string) => {
    await runText(engine, wasm, 'spin 200000', { namespace });
    ended.push(namespace);
  };
  // Compiled for both, so that the order depends on scheduling and not on compilation.
  for (const namespace of ['busy', 'quiet']) await runText(engine, wasm, 'echo here', { namespace });
  await Promise.all([...Array.from({ length: 8 }, () => run('busy')), run('quiet')]);
  t.true(ended.indexOf('quiet') <= 2, ended.join());
});

test('the time of a run in its CPU slot is added up over its host calls', async (t) => {
  const slots = new CpuSlots({ threads: 1, parked: 1 }, new RunStats());
  const wasm = await kitchen();
  const program = createFreshProgram(readSource(wasm, 64));
  const runOf = (namespace: string): Run =>
    newRun(guestCall(wasm, '', { namespace }), 'kitchen', program, { heapMb: 0, resolve() {}, reject() {} });
  const [long, other] = [runOf('busy'), runOf('quiet')];
  for (let turn = 0; turn < 2; turn++) {
    if (turn === 0) slots.start(long);
    else slots.resume(long);
    await delay(LONG_RUN_MS * 0.75);
    t.true(slots.park(long));
  }
  slots.resume(long);
  t.true(slots.isFull);
  t.true(slots.canStart(other));
});

test('runs with thousands of short host calls do not delay the first run of another namespace', async (t) => {
  const engine = openEngine({ threads: 1, parked: 0 });
  t.teardown(() => engine.close());
  const wasm = await kitchen();
  for (const namespace of ['busy', 'quiet']) await runText(engine, wasm, 'echo here', { namespace });
  const stop = new AbortController();
  let isOver = false;
  const host = { cache_get: () => immediate(null) };
  const busy = Array.from({ length: 4 }, async () => {
    const signal = stop.signal;
    await runText(engine, wasm, 'many-gets 200000', { namespace: 'busy', timeoutMs: 300_000, host, signal });
    isOver = true;
  });
  await until('the first one runs', async () => engine.stats().busy === 1);
  t.is((await runText(engine, wasm, 'echo here', { namespace: 'quiet' })).output, 'here\n');
  t.false(isOver);
  stop.abort();
  await Promise.all(busy);
});

test.serial('endless loops of one namespace on every core do not block another namespace', async (t) => {
  const engine = openEngine({ threads: 2, parked: 0 });
  t.teardown(() => engine.close());
  const wasm = await kitchen();
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const loop = (namespace: string) =>
    runText(engine, wasm, 'loop', { namespace, timeoutMs: 300_000, signal: stop.signal });
  const call = async () => {
    const since = performance.now();
    t.is((await runText(engine, wasm, 'echo here', { namespace: 'victim' })).output, 'here\n');
    return performance.now() - since;
  };
  await call();
  const hostile = Array.from({ length: 10 }, () => loop('hostile'));
  await until('the loops hold both slots', async () => engine.stats().busy === 2);
  const times: number[] = [];
  for (let n = 0; n < 20; n++) times.push(await call());
  t.log(`at most ${Math.max(...times).toFixed(1)} ms`);
  // The loops would run for minutes: a call that waited for one of them would not have ended.
  t.is(times.length, 20);
  // Further loops of the same namespace are not over-committed, and there is a limit for all
  // namespaces together.
  t.is(engine.stats().busy, 2);
  const others = ['second', 'third', 'fourth', 'fifth', 'sixth', 'seventh'].map(loop);
  await until('four more run', async () => engine.stats().busy === 6);
  await delay(100);
  t.is(engine.stats().busy, 6);
  stop.abort();
  for (const { status } of await Promise.all([...hostile, ...others])) t.is(status, 'cancelled');
});

test.serial('while a module is compiled, guests leave it a core, except the last one', async (t) => {
  const wasm = await kitchen();
  const endless = reactor(ENDLESS);
  for (const threads of [1, 2]) {
    const stop = new AbortController();
    const engine = openEngine({ threads, parked: 0 });
    t.teardown(() => engine.close());
    await runText(engine, wasm, 'echo here');
    const settings = {
      ...{ cid: contentId(endless), name: aName('endless'), memoryLimitMb: 16 },
      namespace: namespaceSchema.parse('deploys'),
    };
    let isCompiled = false;
    const compiled = engine.inspect(endless, settings).finally(() => {
      isCompiled = true;
    });
    const loops = Array.from({ length: 3 }, () =>
      runText(engine, wasm, 'loop', { timeoutMs: 300_000, signal: stop.signal }),
    );
    await until('a loop runs', async () => engine.stats().busy === 1);
    // Longer than a run must be waited for before another may join it.
    await delay(100);
    const { busy } = engine.stats();
    t.false(isCompiled);
    t.is(busy, 1);
    await compiled;
    await until('the guests have all cores again', async () => engine.stats().busy === threads);
    stop.abort();
    for (const { status } of await Promise.all(loops)) t.is(status, 'cancelled');
  }
});

test.serial(
  'more guests than cores that wait and then loop endlessly do not block another namespace',
  async (t) => {
    const engine = openEngine({ threads: 2, parked: 24 });
    t.teardown(() => engine.close());
    const wasm = await kitchen();
    const stop = new AbortController();
    setMaxListeners(0, stop.signal);
    const call = () => runText(engine, wasm, 'echo here', { namespace: 'victim' });
    await call();
    const askThread = await computingThread(t, await medianMs(call));
    let leave = () => {};
    const gate = new Promise<string>((resolve) => {
      leave = () => resolve('{}');
    });
    const hostile = Array.from({ length: 24 }, () =>
      runText(engine, wasm, 'fetch http://x\nloop', {
        ...{ namespace: 'hostile', timeoutMs: 300_000 },
        ...{ host: { http_fetch: () => gate }, signal: stop.signal },
      }),
    );
    await until('all of them wait', async () => engine.stats().parked === 24);
    leave();
    await until('all of them compute', async () => engine.stats().busy === 24);
    const unhurried = medianMs(call);
    const waited = await Promise.race([unhurried, delay(60_000, Number.POSITIVE_INFINITY, { ref: false })]);
    // As long as it takes beside the loops if nothing of the engine is involved.
    const reference = await medianMs(askThread);
    t.log(`${waited.toFixed(1)} ms, and ${reference.toFixed(1)} ms for another thread`);
    t.true(waited <= boundMs(reference), `${waited} ms, and ${reference} ms for another thread`);
    stop.abort();
    for (const { status } of await Promise.all(hostile)) t.is(status, 'cancelled');
  },
);
