import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { createBufferBudget, HOST_CALLS } from '../../src/concurrency/buffer-budget.js';
import type { FunctionVersion } from '../../src/contract/function.js';
import type { EgressRequest } from '../../src/ports/egress.js';
import type { Engine } from '../../src/ports/engine.js';
import { createHost } from '../../workers/delivery/host.js';
import { openEngine } from '../../workers/engine/engine.js';
import { Scheduler } from '../../workers/engine/scheduler.js';
import { createFreshProgram } from '../../workers/wasm/warm/fresh.js';
import { readSource } from '../../workers/wasm/warm/source.js';
import { guestCall, hostCalls } from '../helpers/engine.js';
import { queued } from '../helpers/invocations.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';
import { assemble } from '../helpers/wat.js';

/** A guest that starts two requests, and then ends as its input says, or never. */
const starting = assemble(`(module
  (import "env" "http_start"
    (func $start (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "env" "http_next" (func $next (param i32) (result i64)))
  (memory (export "memory") 1)
  (data (i32.const 0) "GEThttp://x/{}")
  (func $started (drop (call $start
    (i32.const 0) (i32.const 3) (i32.const 3) (i32.const 9) (i32.const 12) (i32.const 2)
    (i32.const 0) (i32.const 0))))
  (func (export "orama_alloc") (param i32) (result i32) (i32.const 1024))
  (func (export "handle") (param i32 i32) (result i64)
    (local $end i32)
    (local.set $end (i32.load8_u (local.get 0)))
    (call $started)
    (call $started)
    (if (i32.eq (local.get $end) (i32.const 116)) (then (unreachable)))
    (if (i32.eq (local.get $end) (i32.const 119)) (then (drop (call $next (i32.const 600000)))))
    (if (i32.eq (local.get $end) (i32.const 108)) (then (loop (br 0))))
    (i64.const 0)))`);

const directory = tempDir();

interface Started {
  requests: EgressRequest[];
  aborted: number;
}

/** Runs the guest with the host functions of a worker, whose requests are never answered. */
async function run(engine: Pick<Engine, 'run'>, started: Started, input: string, options = {}) {
  const wasm = await starting;
  const deps = {
    buffers: createBufferBudget(HOST_CALLS),
    depths: { sign: () => 'depth' },
    egress: {
      check: async () => undefined,
      fetch(request: EgressRequest) {
        started.requests.push(request);
        return new Promise((_, reject) => {
          request.signal?.addEventListener('abort', () => {
            started.aborted++;
            reject(new Error('aborted'));
          });
        });
      },
    },
  };
  const fn = { timeout_seconds: 60, metadata: {} } as FunctionVersion;
  const host = hostCalls(createHost(deps as never, { invocation: queued().invocation, function: fn }));
  return engine.run({ ...guestCall(wasm, input, { warmStart: 'reactor', ...options }), host });
}

const ENDS = [
  { how: 'returns', input: 'r', status: 'success' },
  { how: 'traps', input: 't', status: 'error' },
  { how: 'exceeds its timeout while it computes', input: 'l', status: 'timeout', timeoutMs: 1000 },
  { how: 'exceeds its timeout while it waits', input: 'w', status: 'timeout', timeoutMs: 1000 },
  { how: 'is cancelled', input: 'l', status: 'cancelled' },
] as const;

for (const end of ENDS) {
  test(`the requests that a guest has started are aborted when it ${end.how}`, async (t) => {
    const engine = openEngine({ threads: 1, parked: 1 });
    t.teardown(() => engine.close());
    // The second run begins in a warm instance.
    for (const isWarm of [false, true]) {
      if (isWarm) await run(engine, { requests: [], aborted: 0 }, 'r');
      await until('the thread is idle', () => engine.stats().busy === 0);
      const before = engine.stats().warmRuns;
      const started: Started = { requests: [], aborted: 0 };
      const cancel = new AbortController();
      const { input, status } = end;
      const timeout = 'timeoutMs' in end ? { timeoutMs: end.timeoutMs } : {};
      const running = run(engine, started, input, { signal: cancel.signal, ...timeout });
      if (status === 'cancelled') {
        await until('both requests are sent', () => started.requests.length === 2);
        t.is(started.aborted, 0);
        cancel.abort();
      }
      t.is((await running).status, status);
      t.is(started.requests.length, 2);
      t.is(started.aborted, 2);
      // A guest that was stopped has no warm instance, and its run is not counted.
      if (isWarm && status === 'success') t.is(engine.stats().warmRuns, before + 1);
    }
  });
}

test('the requests that a guest has started are aborted when its engine closes', async (t) => {
  const engine = openEngine({ threads: 1, parked: 1 });
  const started: Started = { requests: [], aborted: 0 };
  const running = t.throwsAsync(run(engine, started, 'w'), { message: /closing/ });
  await until('both requests are sent', () => started.requests.length === 2);
  t.is(started.aborted, 0);
  await engine.close();
  await running;
  t.is(started.aborted, 2);
});

test('the requests that a guest has started are aborted when its thread exits', async (t) => {
  const script = join(directory, 'exits.cjs');
  const thread = new URL('../../workers/threads/thread.cjs', import.meta.url);
  writeFileSync(
    script,
    `const { parentPort } = require('node:worker_threads');
    const post = parentPort.postMessage.bind(parentPort);
    parentPort.postMessage = (message, moved) =>
      message.name === 'http_next' ? process.exit() : post(message, moved);
    require(${JSON.stringify(thread.pathname)});`,
  );
  const program = createFreshProgram(readSource(await starting, 64));
  const scheduler = new Scheduler({
    ...{ threads: 1, parked: 1, memoryMb: 512 },
    threadScript: pathToFileURL(script),
  });
  t.teardown(() => scheduler.close());
  const started: Started = { requests: [], aborted: 0 };
  const outcome = await run({ run: (call) => scheduler.run(call, 'starting', program) }, started, 'w');
  t.regex(outcome.error ?? '', /thread failed/);
  t.is(started.requests.length, 2);
  t.is(started.aborted, 2);
});
