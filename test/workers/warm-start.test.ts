import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import type { WarmStart } from '../../src/contract/function.js';
import type { FunctionName } from '../../src/contract/ids.js';
import { MAX_LOG_BYTES, MAX_LOG_LINES } from '../../src/contract/limits.js';
import type { Engine, ModuleInspection } from '../../src/ports/engine.js';
import { openEngine } from '../../workers/engine/engine.js';
import { randomConditions, sandboxSession } from '../../workers/wasm/warm/sandbox-session.js';
import { inspectSettings, runText, type TextOutcome } from '../helpers/engine.js';
import { guest } from '../helpers/guests.js';
import { until } from '../helpers/until.js';
import { assemble } from '../helpers/wat.js';

const engine = openEngine({ threads: 1, parked: 2 });
test.after.always(() => engine.close());

async function inspect(source: string, on: Engine = engine): Promise<ModuleInspection> {
  const wasm = await guest(source);
  return on.inspect(wasm, inspectSettings(wasm));
}

for (const [source, kind, warmStart] of [
  ['kitchen.c', 'command', 'fresh'],
  ['kitchen.rs', 'command', 'fresh'],
  ['kitchen.go', 'command', 'go-command'],
  ['early.go', 'command', 'go-command'],
  ['kitchen.reactor.go', 'reactor', 'reactor'],
  ['kitchen.reactor.c', 'reactor', 'reactor'],
  ['host.as.ts', 'reactor', 'reactor'],
] as const) {
  test(`${source} is a ${kind} and runs as ${warmStart}`, async (t) => {
    t.deepEqual(await inspect(source), { kind, warmStart });
  });
}

test('a reactor that calls the host during initialisation runs as fresh, and the report states why', async (t) => {
  const report = await inspect('kitchen.as.ts');
  t.is(report.warmStart, 'fresh');
  t.is(report.note, 'runs as fresh: it calls env.log_info while it initialises');
  const outcome = await runText(engine, await guest('kitchen.as.ts'), 'hi', { env: { WHO: 'me' } });
  t.deepEqual(outcome.log, ['info: top level']);
  t.is(outcome.output, 'hi from me 1');
});

test('a command that draws random numbers before main runs as fresh, and the report states why', async (t) => {
  const report = await inspect('frozen.go');
  t.is(report.warmStart, 'fresh');
  t.regex(report.note ?? '', /draws random numbers before its first observable call/);
});

/** Returns the part of an outcome that does not vary between runs. */
const steady = ({ status, output, error, exitCode, log }: TextOutcome) => ({
  status,
  output,
  error,
  exitCode,
  log,
});

const INPUTS: [string, WarmStart, string[]][] = [
  [
    'kitchen.go',
    'go-command',
    [
      '{"name":"a"}',
      '',
      'no JSON',
      '{"op":"exit","count":3}',
      '{"op":"exit","count":0}',
      '{"op":"goroutines","count":100}',
      '{"op":"garbage","count":20000}',
      '{"op":"sleep","count":10,"name":"b"}',
      '{"op":"grow","count":20}',
      '{"op":"grow","count":30}',
      '{"op":"bomb"}',
      '{"op":"stderr","count":300}',
      `{"name":"${'long'.repeat(100_000)}"}`,
      '{"name":"z"}',
    ],
  ],
  ['kitchen.reactor.go', 'reactor', ['{"name":"a"}', 'no JSON', '', '{"op":"print"}', '{"name":"b"}']],
  ['kitchen.reactor.c', 'reactor', ['', 'a', 'grow', 'b', 'grow again', 'c'.repeat(100_000)]],
];
for (const [source, warmStart, inputs] of INPUTS) {
  test(`${source} returns the same results as ${warmStart} and as fresh, in any order`, async (t) => {
    const wasm = await guest(source);
    for (const input of [...inputs, ...inputs.toReversed()]) {
      const fresh = await runText(engine, wasm, input, { warmStart: 'fresh' });
      const warm = await runText(engine, wasm, input, { warmStart });
      t.deepEqual(steady(warm), steady(fresh), input.slice(0, 40));
    }
  });
}

test('a guest that panics or is killed does not affect the next run', async (t) => {
  const wasm = await guest('kitchen.go');
  const options = { warmStart: 'go-command' } as const;
  for (const input of ['{"op":"panic"}', '{"op":"loop"}']) {
    const ended = await runText(engine, wasm, input, { ...options, timeoutMs: 300 });
    t.not(ended.status, 'success');
    const next = await runText(engine, wasm, '{"name":"n"}', options);
    t.is(next.output, '{"counter":1,"greeting":"Hello, n","remembered":2}');
  }
});

test('the error of a Go program that panics is its panic, not the last line of its stack', async (t) => {
  const wasm = await guest('kitchen.go');
  for (const warmStart of ['fresh', 'go-command'] as const) {
    const { error } = await runText(engine, wasm, '{"op":"panic"}', { warmStart });
    t.regex(error ?? '', /^exited with code 2: panic: /);
  }
});

test('random numbers, map order and time differ between warm runs', async (t) => {
  const wasm = await guest('kitchen.go');
  const runs = [];
  for (let index = 0; index < 12; index++) {
    runs.push(
      JSON.parse((await runText(engine, wasm, '{"op":"random"}', { warmStart: 'go-command' })).output),
    );
  }
  for (const place of [0, 1, 2]) t.is(new Set(runs.map((run) => run[place])).size, 12);
  t.true(new Set(runs.map((run) => run[3])).size > 3);

  const time = async () =>
    Number((await runText(engine, wasm, '{"op":"time"}', { warmStart: 'go-command' })).output);
  const first = await time();
  // Timers may be up to a millisecond early.
  await delay(40);
  t.true((await time()) >= first + 30);
});

test('clock and random values of package initialisers are new in each warm run', async (t) => {
  const wasm = await guest('early.go');
  const seen = [];
  for (let index = 0; index < 5; index++) {
    const begun = performance.now();
    const { output } = await runText(engine, wasm, `${index}`, { warmStart: 'go-command' });
    const took = performance.now() - begun;
    const [input, sinceStart, number, secret] = output.trim().split(' ');
    t.is(input, `${index}`);
    t.true(Number(sinceStart) <= took + 2, `${sinceStart} ms of ${took} ms`);
    seen.push([number, secret].join());
    await delay(20);
  }
  t.is(new Set(seen).size, 5);
});

test('functions that share a module each see their own name', async (t) => {
  const wasm = await guest('kitchen.go');
  for (const name of ['one', 'two', 'one'] as FunctionName[]) {
    const outcome = await runText(engine, wasm, '{"op":"args"}', {
      warmStart: 'go-command',
      functionName: name,
    });
    t.is(outcome.output, `[${name}] 0\n`);
  }
});

test('warm instances are reused, counted, and evicted when the memory budget is needed', async (t) => {
  const small = openEngine({ threads: 1, parked: 0, memoryMb: 66 });
  t.teardown(() => small.close());
  const options = { warmStart: 'go-command' } as const;
  const wasm = await guest('kitchen.go');
  for (let round = 0; round < 3; round++) await runText(small, wasm, '{"name":"n"}', options);
  await until('the engine is idle', () => small.stats().busy === 0);
  const { warmRuns, warmInstances, memoryMb } = small.stats();
  t.deepEqual({ warmRuns, warmInstances }, { warmRuns: 2, warmInstances: 1 });
  t.true(memoryMb > 2 && memoryMb < 12);

  // 64 MB of another function and the 3 MB of the warm instance exceed 66 MB.
  const stop = new AbortController();
  const asleep = { signal: stop.signal, timeoutMs: 300_000 };
  const other = runText(small, await guest('kitchen.c'), 'sleep 600000', asleep);
  await until('the other function runs', () => small.stats().busy + small.stats().parked > 0);
  await until('the warm instance is evicted', () => small.stats().warmInstances === 0);
  t.true(small.stats().memoryMb <= 66);
  stop.abort();
  t.is((await other).status, 'cancelled');
  t.is((await runText(small, wasm, '{"name":"n"}', options)).status, 'success');
});

test('the least recently used warm instance is evicted first', async (t) => {
  const small = openEngine({ threads: 1, parked: 0, memoryMb: 68 });
  t.teardown(() => small.close());
  const wasm = await guest('kitchen.go');
  const run = (name: string) =>
    runText(small, wasm, '{"name":"n"}', { warmStart: 'go-command', functionName: name as FunctionName });
  // Room for one warm instance of 3 MB beside the running one: c replaces b.
  for (const name of ['a', 'b', 'a', 'c']) await run(name);
  const before = small.stats().warmRuns;
  await run('a');
  t.is(small.stats().warmRuns, before + 1);
  await run('b');
  t.is(small.stats().warmRuns, before + 1);
});

test('a module with an unsupported warm start strategy runs as fresh', async (t) => {
  t.is(
    (await runText(engine, await guest('kitchen.c'), 'echo x', { warmStart: 'go-command' })).output,
    'x\n',
  );
  t.is((await runText(engine, await guest('kitchen.go'), '{}', { warmStart: 'reactor' })).status, 'success');
});

test('an inspected module runs without being loaded again', async (t) => {
  const wasm = await guest('kitchen.reactor.c');
  const { warmStart } = await inspect('kitchen.reactor.c');
  const loadWasm = () => Promise.reject(new Error('loaded'));
  t.is((await runText(engine, wasm, 'x', { warmStart, loadWasm })).status, 'success');
});

test('output printed by a reactor is logged; a result outside its memory or over 1 MB is an error', async (t) => {
  const wasm = await guest('kitchen.reactor.go');
  for (const warmStart of ['fresh', 'reactor'] as const) {
    const printed = await runText(engine, wasm, '{"op":"print","name":"p"}', { warmStart });
    t.is(printed.output, '{"counter":1,"greeting":"Hello, p"}');
    t.deepEqual(printed.log, ['info: printed by a reactor']);
    const large = await runText(engine, wasm, '{"op":"large","count":1048577}', { warmStart });
    t.is(large.error, 'output is larger than 1 MB');
    const wild = await runText(engine, wasm, '{"op":"wild","count":10}', { warmStart });
    t.is(wild.error, 'handle returned 10 bytes at 4294901760, which is outside its memory');
  }
});

test('a probe keeps no more of a log and of host call arguments than an invocation may log', (t) => {
  const { session, trace } = sandboxSession('x', new Uint8Array(0), randomConditions());
  const kept = () => trace.reduce((sum, effect) => sum + effect.length, 0);
  for (let line = 0; line < 100; line++) session.log.line('info', new Uint8Array(1 << 20));
  session.log.print('error', new Uint8Array(8 << 20));
  t.true(kept() < MAX_LOG_BYTES + 10_000, `${kept()} characters`);
  for (let call = 0; call < 100; call++) session.bridge.call('cache_set', [new Uint8Array(1 << 20)]);
  t.true(kept() < MAX_LOG_BYTES + 20_000, `${kept()} characters`);
  for (let line = 0; line < 3 * MAX_LOG_LINES; line++) session.log.line('info', '');
  t.true(trace.length < MAX_LOG_LINES + 200, `${trace.length} effects`);
});

test('long arguments of host calls in which only the last byte differs are different effects', (t) => {
  const effects = [1, 2].map((last) => {
    const { session, trace } = sandboxSession('x', new Uint8Array(0), randomConditions());
    const value = new Uint8Array(100_000);
    value[value.length - 1] = last;
    session.bridge.call('cache_set', ['k', value]);
    return trace.join();
  });
  t.not(effects[0], effects[1]);
});

test('a reactor that logs 150 MB twelve times is deployed', async (t) => {
  const wasm = await assemble(`(module
    (import "env" "log_info" (func $log (param i32 i32)))
    (memory (export "memory") 2401)
    (func (export "_initialize"))
    (func (export "orama_alloc") (param i32) (result i32) (i32.const 1024))
    (func (export "handle") (param i32 i32) (result i64)
      ${'(call $log (i32.const 0) (i32.const 150000000))'.repeat(12)}
      (i64.const 0)))`);
  const settings = inspectSettings(wasm, { memoryLimitMb: 256 });
  t.is((await engine.inspect(wasm, settings)).kind, 'reactor');
});

test('a reactor whose initialisation fills 100 MB runs as fresh, and the report states why', async (t) => {
  const wasm = await assemble(`(module
    (memory (export "memory") 1)
    (func (export "_initialize") (drop (memory.grow (i32.const 2000)))
      (memory.fill (i32.const 0) (i32.const 7) (i32.const 104857600)))
    (func (export "orama_alloc") (param i32) (result i32) (i32.const 1024))
    (func (export "handle") (param i32 i32) (result i64) (i64.const 0)))`);
  const settings = inspectSettings(wasm, { memoryLimitMb: 256 });
  const report = await engine.inspect(wasm, settings);
  t.is(report.warmStart, 'fresh');
  t.is(
    report.note,
    'runs as fresh: it fills 100 MB of memory before its first observable call; at most 64 MB are kept for a warm start',
  );
});
