import test from 'ava';
import { Guest } from '../../workers/wasm/run/guest.js';
import type { Runner } from '../../workers/wasm/run/program.js';
import { createRunner } from '../../workers/wasm/run/runner.js';
import { createFreshProgram } from '../../workers/wasm/warm/fresh.js';
import { checkValid, readSource } from '../../workers/wasm/warm/source.js';
import { createReactorProgram } from '../../workers/wasm/warm/warm-program.js';
import { sandboxRun } from '../helpers/sandbox-run.js';
import { assemble } from '../helpers/wat.js';

const LIMIT_MB = 16;

/**
 * Returns the results of one program for inputs on one runner, and for each input on a new runner
 * with a new instance; as fresh, and as a reactor with a snapshot.
 */
async function answers(wat: string, inputs: readonly string[]) {
  const source = readSource(await assemble(wat), LIMIT_MB);
  const fresh = createFreshProgram(source);
  const programs = source.shape.kind === 'reactor' ? [fresh, createReactorProgram(source, 'x')] : [fresh];
  const guest = new Guest();
  const run = (runner: Runner, input: string) => {
    const { output, error } = sandboxRun(guest, runner, new TextEncoder().encode(input));
    return error ?? Buffer.from(output).toString('hex');
  };
  return programs.map((program) => {
    const kept = createRunner(program, guest);
    return {
      strategy: program.strategy,
      inTurn: inputs.map((input) => run(kept, input)),
      alone: inputs.map((input) => run(createRunner(fresh, guest, { keeps: false }), input)),
    };
  });
}

/**
 * Creates a reactor. `handle` gets the first byte of its input in local 2, and returns eight bytes
 * at address 8.
 */
const reactor = (fields: string, handle: string, initialize = '') => `(module
  (memory (export "memory") 2 40) ${fields}
  (func (export "orama_alloc") (param i32) (result i32) (i32.const 1024))
  (func (export "_initialize") ${initialize})
  (func (export "handle") (param i32 i32) (result i64) (local i32)
    (local.set 2 (i32.load8_u (local.get 0)))
    ${handle}
    (i64.const 0x800000008)))`;

const IS = (letter: string, then: string) =>
  `(if (i32.eq (local.get 2) (i32.const ${letter.charCodeAt(0)})) (then ${then}))`;

for (const [name, wat] of [
  [
    'memory that a run has grown',
    reactor(
      '',
      `${IS('g', '(drop (memory.grow (i32.const 3))) (i32.store (i32.const 200000) (i32.const 7))')}
       ${IS('r', '(i32.store (i32.const 8) (i32.load (i32.const 200000)))')}
       ${IS('s', '(i32.store (i32.const 8) (memory.size))')}`,
    ),
  ],
  [
    'the payload of a NaN in a global',
    reactor(
      `(global $f (mut f32) (f32.const nan:0x200001)) (global $d (mut f64) (f64.const nan:0x4000000000001))`,
      `${IS('s', '(i32.store (i32.const 8) (i32.reinterpret_f32 (global.get $f)))')}
       ${IS('r', '(i64.store (i32.const 8) (i64.reinterpret_f64 (global.get $d)))')}
       ${IS('g', '(global.set $f (f32.const 1)) (global.set $d (f64.const 1))')}`,
    ),
  ],
  [
    'data that initialisation has cleared, with a data count',
    reactor(
      '(data (i32.const 70000) "kept until it is cleared") (data $p "passive") (data $a (i32.const 90000) "active")',
      `${IS('s', '(i64.store (i32.const 8) (i64.load (i32.const 70000)))')}
       ${IS('r', '(memory.init $p (i32.const 8) (i32.const 0) (i32.const 7))')}
       ${IS('a', '(memory.init $a (i32.const 8) (i32.const 0) (i32.const 1))')}
       ${IS('g', '(i32.store (i32.const 70000) (i32.const 1)) (i32.store (i32.const 8) (i32.const 1))')}`,
      '(memory.fill (i32.const 65536) (i32.const 0) (i32.const 16384))',
    ),
  ],
  [
    'an instance that has trapped',
    reactor(
      '(global $n (mut i64) (i64.const 0))',
      `(global.set $n (i64.add (global.get $n) (i64.const 1)))
       (i64.store (i32.const 8) (i64.add (i64.load (i32.const 4096)) (global.get $n)))
       (i64.store (i32.const 4096) (i64.const 5))
       ${IS('g', 'unreachable')}`,
      '(i64.store (i32.const 4096) (i64.const 2))',
    ),
  ],
] as const) {
  test(`${name} does not affect the next run`, async (t) => {
    const inputs = ['s', 'g', 's', 'r', 'g', 'r', 'a', 's', 's'];
    for (const { strategy, inTurn, alone } of await answers(wat, inputs))
      t.deepEqual(inTurn, alone, strategy);
  });
}

test('an invalid module that rewriting would make valid is refused', async (t) => {
  // A maximum below the minimum, and more pages than are allowed.
  const valid = await assemble('(module (memory (export "memory") 1 9) (func (export "_start")))');
  const at = Buffer.from(valid).indexOf(Buffer.from([5, 4, 1, 1, 1, 9]));
  const invalid = valid.slice();
  invalid[at + 5] = 0;
  t.notThrows(() => checkValid(valid));
  t.throws(() => checkValid(invalid), { code: 'invalid_module', message: /not valid WebAssembly/ });
});
