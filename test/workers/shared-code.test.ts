import test from 'ava';
import type { FunctionName } from '../../src/contract/ids.js';
import { openEngine } from '../../workers/engine/engine.js';
import { ProgramCache } from '../../workers/engine/program-cache.js';
import { ModuleCompiler } from '../../workers/threads/module-compiler.js';
import { Guest } from '../../workers/wasm/run/guest.js';
import type { Program } from '../../workers/wasm/run/program.js';
import { createRunner } from '../../workers/wasm/run/runner.js';
import { choose } from '../../workers/wasm/warm/choose.js';
import { createFreshProgram } from '../../workers/wasm/warm/fresh.js';
import { readSource } from '../../workers/wasm/warm/source.js';
import { guestCall, runText } from '../helpers/engine.js';
import { buildJavaScript } from '../helpers/javascript.js';
import { sandboxRun } from '../helpers/sandbox-run.js';
import { until } from '../helpers/until.js';
import { assemble } from '../helpers/wat.js';

const LIMIT_MB = 16;
const guest = new Guest();

function programOf(wasm: Uint8Array, want: 'fresh' | 'reactor'): Program {
  const source = readSource(wasm, LIMIT_MB);
  return choose(source, createFreshProgram(source), 'x', want).program;
}

function answer(runner: ReturnType<typeof createRunner>, input: string): string {
  const { output, error } = sandboxRun(guest, runner, new TextEncoder().encode(input));
  return error ?? new TextDecoder().decode(output);
}

/** Creates a reactor that returns eight bytes of its data and overwrites them. */
const reactor = (pages: number, text: string, more = '', before = '') => `(module
  (memory (export "memory") ${pages} 40)
  (data (i32.const 1000) "${text}") ${more}
  (func (export "orama_alloc") (param i32) (result i32) (i32.const 2048))
  (func (export "_initialize") (i32.store8 (i32.const 2000) (i32.load8_u (i32.const 1001))))
  (func (export "handle") (param i32 i32) (result i64)
    ${before}
    (i64.store (i32.const 8) (i64.load (i32.const 1000)))
    (i64.store8 (i32.const 1000) (i64.const 33))
    (i64.const 0x800000008)))`;

test('modules that differ only in data and memory size share their code and keep their own data', async (t) => {
  const wasms = await Promise.all([
    assemble(reactor(1, 'the one.')),
    assemble(reactor(3, 'another.', '(data (i32.const 70000) "and more")')),
  ]);
  for (const strategy of ['fresh', 'reactor'] as const) {
    const cache = new ProgramCache(() => undefined);
    const programs = wasms.map((wasm, index) => cache.keep(String(index), programOf(wasm, strategy)));
    t.deepEqual(
      programs.map((program) => program.strategy),
      [strategy, strategy],
    );
    t.is(programs[0]?.module, programs[1]?.module);
    const runners = programs.map((program) => createRunner(program, guest));
    for (let round = 0; round < 3; round++) {
      t.deepEqual(
        runners.map((runner) => answer(runner, '')),
        ['the one.', 'another.'],
      );
    }
  }
});

test('modules whose code uses data segments share their code only if those segments are equal', async (t) => {
  const copy = '(memory.init $p (i32.const 1000) (i32.const 0) (i32.const 3))';
  const passive = (text: string) => assemble(reactor(1, 'the one.', `(data $p "${text}")`, copy));
  const cache = new ProgramCache(() => undefined);
  const programs = [await passive('An '), await passive('It '), await passive('An ')].map((wasm, index) =>
    cache.keep(String(index), programOf(wasm, 'reactor')),
  );
  t.deepEqual(
    programs.map((program) => answer(createRunner(program, guest), '')),
    ['An  one.', 'It  one.', 'An  one.'],
  );
  t.not(programs[0]?.module, programs[1]?.module);
  t.is(programs[0]?.module, programs[2]?.module);
});

test('shared code counts once in the program cache and is evicted with its last program', async (t) => {
  const evicted: string[] = [];
  const cache = new ProgramCache((key) => evicted.push(key));
  const text = (index: number) => `number ${index}`;
  const keep = async (index: number) =>
    cache.keep(String(index), programOf(await assemble(reactor(2, text(index))), 'reactor'));
  const first = await keep(0);
  const one = cache.bytes;
  const second = await keep(1);
  t.true(cache.bytes - one <= first.moduleBytes + 40_000, `${cache.bytes - one} more bytes`);
  // The same program again takes no more memory.
  const two = cache.bytes;
  await keep(1);
  t.is(cache.bytes, two);

  const small = new ProgramCache((key) => evicted.push(key), two - 1);
  small.keep('0', first);
  small.keep('1', second);
  t.deepEqual(evicted, ['0']);
  t.is(answer(createRunner(await small.load('1', () => Promise.reject()), guest), ''), text(1));
  small.keep('2', programOf(await assemble(reactor(2, text(2), '', '(nop)')), 'reactor'));
  t.deepEqual(evicted, ['0', '1']);
  t.true(small.bytes < one + 1000, `${small.bytes} of ${one}`);
});

test('thirty JavaScript functions share one copy of their code and return their own results', async (t) => {
  const compiler = new ModuleCompiler();
  t.teardown(() => compiler.close());
  const cache = new ProgramCache(() => undefined);
  const programs: Program[] = [];
  for (let index = 0; index < 30; index++) {
    const padding = 'x'.repeat(index * 100);
    const wasm = await buildJavaScript(
      `let calls = 0; const padding = '${padding}'; export default () => [${index}, padding.length, ++calls];`,
    );
    const request = { wasm, name: 'x', limitMb: 64, want: 'reactor' } as const;
    programs.push(cache.keep(String(index), (await compiler.compile('test', 'run', request)).program));
  }
  t.is(new Set(programs.map(({ module }) => module)).size, 1);
  const [first] = programs;
  const shared = (first?.moduleBytes ?? 0) + (first?.snapshot?.filled.byteLength ?? 0);
  const each = (cache.bytes - shared) / programs.length;
  t.true(each < 150_000, `${each} bytes a function`);

  const runners = programs.map((program) => createRunner(program, guest));
  const order = programs.map((_, index) => index);
  for (const index of [...order, ...order.toReversed()]) {
    const runner = runners[index];
    if (runner !== undefined) t.is(answer(runner, ''), `[${index},${index * 100},1]`);
  }
});

test('the number of warm instances is limited by the memory that they use', async (t) => {
  const engine = openEngine({ threads: 1, parked: 0, memoryMb: 64 });
  t.teardown(() => engine.close());
  const wasm = await buildJavaScript('export default (n: number) => n + 1;');
  const run = (index: number) =>
    runText(engine, wasm, String(index), {
      warmStart: 'reactor',
      functionName: `f${index}` as FunctionName,
      memoryLimitMb: 16,
    });
  for (let index = 0; index < 12; index++) t.is((await run(index)).output, String(index + 1));
  await until('the last instance to be put back', async () => engine.stats().busy === 0);
  const { warmInstances, memoryMb } = engine.stats();
  t.true(warmInstances >= 4 && warmInstances <= 7, `${warmInstances} instances`);
  t.true(memoryMb <= 20, `${memoryMb} MB`);
  // Evicted programs are compiled again.
  t.is((await run(0)).output, '1');
  await engine.prepare(guestCall(wasm, '', { warmStart: 'reactor', memoryLimitMb: 16 }));
});

test('a JavaScript function that never waits starts no threads for waiting guests', async (t) => {
  const engine = openEngine({ threads: 1, parked: 16 });
  t.teardown(() => engine.close());
  const wasm = await buildJavaScript('export default (n: number) => n + 1;');
  for (let run = 0; run < 20; run++) await runText(engine, wasm, '1', { warmStart: 'reactor' });
  t.true(engine.stats().threads <= 4, `${engine.stats().threads} threads`);
});
