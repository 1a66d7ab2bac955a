import { execFile } from 'node:child_process';
import { once, setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import test, { type ExecutionContext } from 'ava';
import { namespaceSchema } from '../../src/contract/ids.js';
import { openEngine } from '../../workers/engine/engine.js';
import { Scheduler } from '../../workers/engine/scheduler.js';
import { createFreshProgram } from '../../workers/wasm/warm/fresh.js';
import { readSource } from '../../workers/wasm/warm/source.js';
import { aName } from '../helpers/attempt.js';
import { contentId, guestCall, hostCalls, runText } from '../helpers/engine.js';
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
  while (engine.stats().parked === 0) await delay(5);
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

test('urgent runs start before runs without a waiting caller', async (t) => {
  const engine = openEngine({ threads: 1, parked: 0 });
  t.teardown(() => engine.close());
  const wasm = await kitchen();
  const ended: string[] = [];
  const run = async (kind: 'event' | 'call') => {
    await runText(engine, wasm, 'spin 50', { namespace: 'both', urgent: kind === 'call' });
    ended.push(kind);
  };
  await Promise.all([...Array.from({ length: 10 }, () => run('event')), run('call'), run('call')]);
  t.true(ended.lastIndexOf('call') <= 2, ended.join());
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

test('cancelling stops a running guest and removes a waiting guest', async (t) => {
  const engine = openEngine({ threads: 1, parked: 0 });
  t.teardown(() => engine.close());
  const wasm = await kitchen();
  const running = new AbortController();
  const waiting = new AbortController();
  const before = new AbortController();
  before.abort();
  const { opened: hasBegun, open: begun } = closedGate();
  const host = {
    http_fetch: async () => {
      begun();
      return '{}';
    },
  };
  const first = runText(engine, wasm, 'info begun\nfetch http://x\nloop', { signal: running.signal, host });
  const second = runText(engine, wasm, 'echo never', { signal: waiting.signal });
  const third = runText(engine, wasm, 'echo never', { signal: before.signal });
  await hasBegun;
  waiting.abort();
  t.is((await second).status, 'cancelled');
  t.is((await third).status, 'cancelled');
  running.abort();
  const outcome = await first;
  t.is(outcome.status, 'cancelled');
  t.deepEqual(outcome.log, ['info: begun']);
  t.is((await runText(engine, wasm, 'echo next')).output, 'next\n');
});

test('closing an engine rejects running, waiting and later runs with unavailable', async (t) => {
  const engine = openEngine({ threads: 1, parked: 0 });
  t.teardown(() => engine.close());
  const wasm = await kitchen();
  await runText(engine, wasm, 'echo');
  const running = t.throwsAsync(runText(engine, wasm, 'loop'), { code: 'unavailable' });
  const waiting = t.throwsAsync(runText(engine, wasm, 'echo'), { code: 'unavailable' });
  await delay(100);
  await engine.close();
  await engine.close();
  await running;
  await waiting;
  await t.throwsAsync(runText(engine, wasm, 'echo'), { code: 'unavailable' });
});

test('a process that has closed its engine exits', async (t) => {
  const engineUrl = new URL('../../workers/engine/engine.js', import.meta.url).href;
  const helperUrl = new URL('../helpers/engine.js', import.meta.url).href;
  const guestsUrl = new URL('../helpers/guests.js', import.meta.url).href;
  const script = `
    const { openEngine } = await import('${engineUrl}');
    const { runText } = await import('${helperUrl}');
    const { guest } = await import('${guestsUrl}');
    const engine = openEngine({ threads: 2, parked: 4 });
    const { output } = await runText(engine, await guest('kitchen.c'), 'echo done');
    await engine.close();
    process.stdout.write(output);
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    timeout: 240_000,
  });
  t.is(stdout, 'done\n');
});

test('a guest whose thread fails ends with an error, and the thread is replaced', async (t) => {
  const scheduler = new Scheduler({ threads: 1, parked: 0, memoryMb: 512 });
  t.teardown(() => scheduler.close());
  const wasm = await kitchen();
  const good = createFreshProgram(readSource(wasm, 64));
  // No guest is known to be able to crash its thread, so the engine's own part is broken here.
  const broken = { ...good, shape: null } as unknown as typeof good;
  const outcome = await scheduler.run(guestCall(wasm, 'echo'), 'broken', broken);
  t.is(outcome.status, 'error');
  t.regex(outcome.error ?? '', /^the function's thread failed: /);
  t.is((await scheduler.run(guestCall(wasm, 'echo'), 'good', good)).status, 'success');
  t.is(scheduler.stats().waiting, 0);
});

test('unloading a program removes its warm instance, and the program can run again', async (t) => {
  const scheduler = new Scheduler({ threads: 1, parked: 0, memoryMb: 512 });
  t.teardown(() => scheduler.close());
  const wasm = await kitchen();
  const program = createFreshProgram(readSource(wasm, 64));
  const run = () => scheduler.run(guestCall(wasm, 'echo in'), 'key', program);
  t.is((await run()).status, 'success');
  t.is(scheduler.stats().warmInstances, 1);
  scheduler.unload('key');
  t.is(scheduler.stats().warmInstances, 0);
  t.is((await run()).status, 'success');
});

test('a program that is unloaded while it runs, or while a run of it waits, is unloaded after that', async (t) => {
  const cached = new Set(['running', 'waiting', 'kept']);
  const isCached = (key: string) => cached.has(key);
  const scheduler = new Scheduler({ threads: 1, parked: 0, memoryMb: 512, isCached });
  t.teardown(() => scheduler.close());
  const wasm = await kitchen();
  const program = createFreshProgram(readSource(wasm, 64));
  const { opened, open } = closedGate();
  let inside = 0;
  const host = hostCalls({
    http_fetch: async () => {
      inside++;
      await opened;
      return '{}';
    },
  });
  const run = (key: string) => scheduler.run({ ...guestCall(wasm, 'fetch http://x'), host }, key, program);
  // One runs, the others wait for its CPU slot.
  const runs = ['running', 'kept', 'waiting', 'waiting'].map(run);
  await until('a guest is inside', () => inside === 1);
  for (const key of ['running', 'waiting']) {
    cached.delete(key);
    scheduler.unload(key);
  }
  open();
  for (const { status } of await Promise.all(runs)) t.is(status, 'success');
  await until('only the cached program has a warm instance', () => scheduler.stats().warmInstances === 1);
});

test('instantiating a program creates a warm instance before its first run', async (t) => {
  const scheduler = new Scheduler({ threads: 1, parked: 0, memoryMb: 512 });
  t.teardown(() => scheduler.close());
  const wasm = await kitchen();
  const program = createFreshProgram(readSource(wasm, 64));
  await scheduler.run(guestCall(wasm, 'echo in'), 'another', program);
  scheduler.instantiate('key', program);
  await until('an instance', async () => scheduler.stats().warmInstances === 2);
  t.is((await scheduler.run(guestCall(wasm, 'echo in'), 'key', program)).status, 'success');
  const { warmRuns, freshRuns } = scheduler.stats();
  t.deepEqual({ warmRuns, freshRuns }, { warmRuns: 1, freshRuns: 1 });
  scheduler.instantiate('third', program);
  scheduler.unload('third');
  t.is((await scheduler.run(guestCall(wasm, 'echo in'), 'third', program)).status, 'success');
  t.is(scheduler.stats().warmInstances, 3);
});
