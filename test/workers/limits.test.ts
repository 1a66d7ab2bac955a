import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { openEngine } from '../../workers/engine/engine.js';
import { guestCall, inspectSettings, runText } from '../helpers/engine.js';
import { guest, missingCompiler } from '../helpers/guests.js';
import { notRun } from '../helpers/not-run.js';
import { until } from '../helpers/until.js';
import { assemble } from '../helpers/wat.js';

/** Returns the resident memory of the whole process in MB. */
const residentMb = () =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0) / 1024;

// One guest at a time, so that its memory is visible in the size of the process.
const engine = openEngine({ threads: 1, parked: 0, memoryMb: 512 });
test.after.always(() => engine.close());

for (const [source, input, small] of [
  ['kitchen.c', 'bomb', 2],
  ['kitchen.rs', 'bomb', 2],
  ['kitchen.go', '{"op":"bomb"}', 8],
  ['kitchen.as.ts', 'bomb', 1],
] as const) {
  const missing = missingCompiler(source);
  if (missing !== null) {
    notRun(`${missing}: not found, a memory bomb in ${source} not run`);
    continue;
  }
  for (const limit of [small, 64, 256]) {
    test.serial(`a memory bomb in ${source} fails at ${limit} MB with the limit in the error`, async (t) => {
      const wasm = await guest(source);
      const warmStart = source.endsWith('.go') ? 'go-command' : 'fresh';
      const options = { warmStart, memoryLimitMb: limit, timeoutMs: 120_000 } as const;
      // Code and threads, including those for long runs, exist before the first measurement.
      await runText(engine, wasm, input, options);
      await runText(engine, wasm, '{}', options);
      let [before, peak] = [Number.POSITIVE_INFINITY, 0];
      const watch = setInterval(() => {
        peak = Math.max(peak, residentMb());
      }, 1);
      // On a busy machine, this process may see the memory of a guest only in a later round.
      const isSeen = () => limit === small || peak - before >= limit / 4;
      for (let round = 0; round < 2 || (!isSeen() && round < 50); round++) {
        await until('the engine is idle', () => engine.stats().busy === 0);
        await delay(100);
        before = Math.min(before, residentMb());
        const outcome = await runText(engine, wasm, input, options);
        t.is(outcome.status, 'error');
        t.regex(outcome.error ?? '', new RegExp(`^memory limit of ${limit} MB exceeded`));
        t.true(outcome.memoryPeakMb <= limit);
      }
      clearInterval(watch);
      t.true(peak - before <= limit + 32, `${peak - before} MB over what there was`);
      // The memory of the first guest has been released.
      t.true(isSeen(), `${peak - before} MB`);
    });
  }
}

for (const [limit, source] of [
  [1, 'kitchen.c'],
  [1, 'kitchen.rs'],
  [1, 'kitchen.go'],
] as const) {
  test.serial(
    `${source} with a limit of ${limit} MB is refused at deploy with its required and allowed memory`,
    async (t) => {
      const wasm = await guest(source);
      const settings = inspectSettings(wasm, { memoryLimitMb: limit });
      await t.throwsAsync(engine.inspect(wasm, settings), {
        code: 'invalid_module',
        message: /needs [\d.]+ MB of memory to start and its limit is 1 MB/,
      });
    },
  );
}

test.serial('a module that needs less than 1 MB runs with a limit of 1 MB', async (t) => {
  const outcome = await runText(engine, await guest('kitchen.as.ts'), 'hi', { memoryLimitMb: 1 });
  t.is(outcome.output, 'hi from  1');
});

test.serial('allocations beyond the memory limit fail, and smaller allocations succeed', async (t) => {
  const wasm = await guest('kitchen.c');
  t.is((await runText(engine, wasm, 'take 20\ntake 20\ntake 40', {})).output, 'got it\ngot it\nNULL\n');
  t.is((await runText(engine, wasm, 'take 70', { memoryLimitMb: 128 })).output, 'got it\n');
});

test.serial('a guest that handles a failed allocation ends as success', async (t) => {
  const outcome = await runText(engine, await guest('kitchen.c'), 'take 100\necho fine');
  t.is(outcome.status, 'success');
  t.is(outcome.output, 'NULL\nfine\n');
});

test.serial('after 100 killed endless loops the engine is idle and serves the next run', async (t) => {
  const wasm = await guest('kitchen.c');
  const before = engine.stats().kills;
  for (let round = 0; round < 100; round++) {
    const outcome = await runText(engine, wasm, 'loop', { timeoutMs: 20 });
    t.is(outcome.status, 'timeout');
  }
  t.is((await runText(engine, wasm, 'echo fine')).output, 'fine\n');
  // The reply is sent before the thread has cleaned up.
  await until('the engine is idle', () => engine.stats().busy === 0);
  const { waiting, memoryMb, kills } = engine.stats();
  t.is(waiting, 0);
  t.is(kills - before, 100);
  // The rest belongs to no guest: at most an instance kept from another test.
  t.true(memoryMb < 8);
});

for (const [what, input] of [
  ['an endless loop', 'loop'],
  ['a sleep', 'sleep 60000'],
  ['a blocked host call', 'get k'],
  ['a loop of host calls', 'many-gets 10000000'],
] as const) {
  test.serial(`${what} is stopped at the timeout while other guests run`, async (t) => {
    const two = openEngine({ threads: 2, parked: 2 });
    t.teardown(() => two.close());
    const wasm = await guest('kitchen.c');
    const cacheGet = () => (input === 'get k' ? new Promise<null>(() => {}) : Promise.resolve(null));
    await runText(two, wasm, 'echo here');
    // A busy machine may run nothing else for half a second, but hardly each time.
    let others = 0;
    for (let time = 0; others <= 1 && time < 10; time++) {
      others = 0;
      let done = false;
      const beside = (async () => {
        while (!done) {
          t.is((await runText(two, wasm, 'echo here')).output, 'here\n');
          others++;
        }
      })();
      const outcome = await runText(two, wasm, input, { timeoutMs: 500, host: { cache_get: cacheGet } });
      done = true;
      await beside;
      t.is(outcome.status, 'timeout');
      t.regex(outcome.error ?? '', /^timed out after 0\.5 s/);
    }
    t.true(others > 1);
  });
}

test.serial('a guest that is stopped without a host call shows the memory that it had', async (t) => {
  for (const [grown, peakMb] of [
    ['', 2],
    // It prints nothing, but the call reads the grown memory.
    [
      '(drop (memory.grow (i32.const 64))) (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))',
      6,
    ],
  ] as const) {
    const wasm = await assemble(`(module
      (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 32)
      (func (export "_start") ${grown} (loop $again (br $again))))`);
    const outcome = await runText(engine, wasm, '', { timeoutMs: 1000 });
    t.is(outcome.status, 'timeout');
    t.is(outcome.memoryPeakMb, peakMb);
  }
});

/**
 * Instructions whose time depends on their operands, each as long as its tables or its memory
 * allow, and how often they run in sequence: all of them together take 20 s and more.
 */
const LONG_INSTRUCTIONS: [what: string, fields: string, instruction: string, count: number][] = [
  ['memory.fill', '', '(memory.fill (i32.const 0) (i32.const 7) (local.get 0))', 10_000],
  ['memory.copy', '', '(memory.copy (i32.const 0) (i32.const 1) (local.get 0))', 10_000],
  [
    'memory.init',
    `(data $d "${'a'.repeat(16 << 20)}")`,
    '(memory.init $d (i32.const 0) (i32.const 0) (i32.shr_u (local.get 0) (i32.const 2)))',
    10_000,
  ],
  [
    'table.fill',
    '(table $t 1000000 externref)',
    '(table.fill $t (i32.const 0) (ref.null extern) (i32.shr_u (local.get 0) (i32.const 7)))',
    10_000,
  ],
  [
    'table.copy',
    '(table $t 1000000 externref)',
    '(table.copy $t $t (i32.const 0) (i32.const 1) (i32.shr_u (local.get 0) (i32.const 7)))',
    10_000,
  ],
  [
    'table.init',
    `(table $t 100000 funcref) (elem $e func ${'$f '.repeat(60_000)})`,
    '(table.init $t $e (i32.const 0) (i32.const 0) (i32.shr_u (local.get 0) (i32.const 11)))',
    30_000,
  ],
];
for (const [what, fields, instruction, count] of LONG_INSTRUCTIONS) {
  for (const [compiler, calls] of [
    ['the baseline compiler', 0],
    ['the optimizing compiler', 300],
  ] as const) {
    test.serial(`${count} times ${what} in sequence end at the timeout in code of ${compiler}`, async (t) => {
      const wasm = await assemble(`(module
        (memory (export "memory") 1024)
        ${fields}
        (func $f (param i32) ${instruction.repeat(count)})
        (func (export "_start") (local $calls i32)
          (local.set $calls (i32.const ${calls}))
          (block $called (loop $call
            (br_if $called (i32.eqz (local.get $calls)))
            (call $f (i32.const 0))
            (local.set $calls (i32.sub (local.get $calls) (i32.const 1)))
            (br $call)))
          (call $f (i32.const ${(64 << 20) - 1}))))`);
      const options = { memoryLimitMb: 64, timeoutMs: 1000 } as const;
      // Compiled before, so that only the run is measured.
      await engine.prepare(guestCall(wasm, '', options));
      const began = performance.now();
      const outcome = await runText(engine, wasm, '', options);
      t.is(outcome.status, 'timeout', outcome.error ?? '');
      const took = performance.now() - began;
      t.true(took < 8000, `${took} ms`);
    });
  }
}

test.serial('fills of a table are stopped at the timeout in a module without a memory', async (t) => {
  const wasm = await assemble(`(module (table $t 1000000 externref) (func (export "_start")
    ${'(table.fill $t (i32.const 0) (ref.null extern) (i32.const 1000000))'.repeat(5000)}))`);
  await engine.prepare(guestCall(wasm, '', { timeoutMs: 500 }));
  const began = performance.now();
  t.is((await runText(engine, wasm, '', { timeoutMs: 500 })).status, 'timeout');
  t.true(performance.now() - began < 8000);
});
