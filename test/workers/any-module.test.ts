import test from 'ava';
import fc from 'fast-check';
import wabt from 'wabt';
import { messageOf } from '../../src/errors.js';
import { Guest } from '../../workers/wasm/run/guest.js';
import { memoryOf } from '../../workers/wasm/run/instance.js';
import type { Program, Runner } from '../../workers/wasm/run/program.js';
import { createRunner } from '../../workers/wasm/run/runner.js';
import { createFreshProgram } from '../../workers/wasm/warm/fresh.js';
import { readSource } from '../../workers/wasm/warm/source.js';
import { createReactorProgram } from '../../workers/wasm/warm/warm-program.js';
import { sandboxRun } from '../helpers/sandbox-run.js';

const LIMIT_MB = 1;
const ANSWER = 32;
/** `$n` is the first byte of the input, `$seen` a sum of everything read. */
const address = fc.oneof(
  fc.integer({ min: 64, max: 100_000 }).map((at) => `(i32.const ${at})`),
  fc
    .tuple(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 64, max: 70_000 }))
    .map(([by, from]) => `(i32.add (i32.mul (local.get $n) (i32.const ${by})) (i32.const ${from}))`),
);
const value = fc.oneof(
  fc.integer().map((number) => `(i32.const ${number})`),
  fc.constantFrom('(local.get $n)', '(global.get $a)', '(local.get $seen)', '(memory.size)'),
  address.map((at) => `(i32.load ${at})`),
);
const see = (what: string) =>
  `(local.set $seen (i32.add (i32.mul (local.get $seen) (i32.const 31)) ${what}))`;
const statement = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(address, value).map(([at, what]) => `(i32.store ${at} ${what})`) },
  { weight: 6, arbitrary: address.map((at) => see(`(i32.load8_u ${at})`)) },
  { weight: 3, arbitrary: value.map((what) => `(global.set $a ${what})`) },
  {
    weight: 2,
    arbitrary: value.map(
      (what) =>
        `(global.set $f (f32.reinterpret_i32 ${what})) ${see('(i32.reinterpret_f32 (global.get $f))')}`,
    ),
  },
  { weight: 2, arbitrary: fc.constant('(global.set $d (f64.add (global.get $d) (f64.const 1.5)))') },
  { weight: 2, arbitrary: fc.constant(see('(i32.trunc_sat_f64_s (global.get $d))')) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(address, value, fc.nat(30_000))
      .map(([at, what, length]) => `(memory.fill ${at} ${what} (i32.const ${length}))`),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(address, address, fc.nat(30_000))
      .map(([to, from, length]) => `(memory.copy ${to} ${from} (i32.const ${length}))`),
  },
  { weight: 2, arbitrary: fc.constant(see('(memory.grow (i32.and (local.get $n) (i32.const 3)))')) },
  { weight: 1, arbitrary: address.map((at) => `(memory.init $p ${at} (i32.const 0) (i32.const 9))`) },
);
const guarded = fc
  .tuple(
    fc.integer({ min: 0, max: 255 }),
    fc.array(statement, { maxLength: 6 }),
    fc.integer({ min: 0, max: 9 }),
  )
  .map(
    ([below, body, kind]) =>
      `(if (i32.lt_u (local.get $n) (i32.const ${below})) (then ${body.join('\n')} ${kind === 0 ? 'unreachable' : ''}))`,
  );
const body = fc
  .array(fc.oneof(statement, guarded), { minLength: 1, maxLength: 12 })
  .map((all) => all.join('\n'));
const data = fc.tuple(fc.integer({ min: 64, max: 120_000 }), fc.stringMatching(/^[a-z ]{1,60}$/));

const reactor = fc
  .record({
    initialize: body,
    handle: body,
    data: fc.array(data, { maxLength: 4 }),
    usesPassive: fc.boolean(),
  })
  .map(({ initialize, handle, data, usesPassive }) => {
    // Without it, the module has no data count section and no data instructions in its code.
    const init = /\(memory\.init \$p (.*?) \(i32\.const 0\) \(i32\.const 9\)\)/g;
    const code = (text: string) => (usesPassive ? text : text.replaceAll(init, '(drop $1)'));
    return `(module
      (memory (export "memory") 2 9)
      (global $a (mut i32) (i32.const 7)) (global $f (mut f32) (f32.const nan:0x200001)) (global $d (mut f64) (f64.const 0.25))
      ${data.map(([at, text]) => `(data (i32.const ${at}) "${text}")`).join('\n')}
      ${usesPassive ? '(data $p "passive!!")' : ''}
      (func (export "orama_alloc") (param i32) (result i32) (i32.const 48))
      (func (export "_initialize") (local $n i32) (local $seen i32) ${code(initialize)})
      (func (export "handle") (param i32 i32) (result i64) (local $n i32) (local $seen i32)
        (local.set $n (i32.load8_u (local.get 0)))
        ${code(handle)}
        (i32.store (i32.const ${ANSWER}) (local.get $seen)) (i32.store (i32.const ${ANSWER + 4}) (global.get $a))
        (i64.const ${(8n << 32n) | BigInt(ANSWER)})))`;
  });
const inputs = fc.array(fc.nat(255), { minLength: 2, maxLength: 6 });

const { parseWat } = await wabt();
function binaryOf(text: string): Uint8Array {
  const module = parseWat('any.wat', text, {
    bulk_memory: true,
    mutable_globals: true,
    sat_float_to_int: true,
  });
  try {
    return module.toBinary({}).buffer;
  } finally {
    module.destroy();
  }
}

/** Returns the result of a new instance of the original module, without the engine. */
function answerOfOriginal(module: WebAssembly.Module, input: number): string {
  type Exported = (...args: number[]) => bigint;
  try {
    const instance = new WebAssembly.Instance(module, {});
    const { _initialize, handle, orama_alloc } = instance.exports as Record<string, Exported>;
    _initialize?.();
    const pointer = Number(orama_alloc?.(1));
    const memory = () => Buffer.from(memoryOf(instance)?.buffer ?? new ArrayBuffer(0));
    memory()[pointer] = input;
    handle?.(pointer, 1);
    return memory()
      .subarray(ANSWER, ANSWER + 8)
      .toString('hex');
  } catch (error) {
    return `trap: ${messageOf(error)}`;
  }
}

function answer(guest: Guest, runner: Runner, input: number): string {
  const { output, error } = sandboxRun(guest, runner, Uint8Array.of(input));
  return error ?? Buffer.from(output).toString('hex');
}

test('generated modules return the same output on a reused instance as on a new one', (t) => {
  const guest = new Guest();
  let well = 0;
  let warm = 0;
  fc.assert(
    fc.property(reactor, inputs, (text, given) => {
      const binary = binaryOf(text);
      const original = new WebAssembly.Module(binary);
      const source = readSource(binary, LIMIT_MB);
      const fresh = createFreshProgram(source);
      const programs: Program[] = [fresh];
      try {
        programs.push(createReactorProgram(source, 'x'));
        warm++;
      } catch {
        // It traps at its start: then each run does, too, as fresh.
      }
      const alone = given.map((input) => answerOfOriginal(original, input));
      well += alone.filter((text) => /^[0-9a-f]{16}$/.test(text)).length;
      for (const program of programs) {
        for (const keeps of [true, false]) {
          const runner = createRunner(program, guest, { keeps });
          t.deepEqual(
            given.map((input) => answer(guest, runner, input)),
            alone,
            program.strategy,
          );
        }
      }
    }),
    { numRuns: 400 },
  );
  // Most of them produce a result instead of trapping.
  t.true(well > 300, `${well} answers`);
  t.true(warm > 150, `${warm} of 400 from a snapshot`);
});
