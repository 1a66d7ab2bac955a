import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import test from 'ava';
import { openEngine } from '../../workers/engine/engine.js';
import { Scheduler } from '../../workers/engine/scheduler.js';
import { createFreshProgram } from '../../workers/wasm/warm/fresh.js';
import { readSource } from '../../workers/wasm/warm/source.js';
import { guestCall, hostCalls, runText } from '../helpers/engine.js';
import { closedGate } from '../helpers/gate.js';
import { guest } from '../helpers/guests.js';
import { until } from '../helpers/until.js';

const kitchen = () => guest('kitchen.c');

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

test('closing an engine keeps the result of a guest that has ended meanwhile', async (t) => {
  const engine = openEngine({ threads: 1, parked: 0 });
  t.teardown(() => engine.close());
  const { opened: hasBegun, open: begun } = closedGate();
  const host = {
    http_fetch: async () => {
      begun();
      return '{}';
    },
  };
  const running = runText(engine, await kitchen(), 'fetch http://x\nspin 50\necho done', { host });
  await hasBegun;
  await delay(0);
  // The main thread is busy until the guest has ended, so it has not handled the end.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000);
  await engine.close();
  t.is((await running).output, '{}\ndone\n');
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
  await until('the instance is reset', async () => scheduler.stats().warmInstances === 3);
});
