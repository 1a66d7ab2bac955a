import { readFileSync } from 'node:fs';
import test from 'ava';
import { openEngine } from '../../workers/engine/engine.js';
import { parse } from '../../workers/wasm/binary/parse.js';
import { scan } from '../../workers/wasm/binary/scan.js';
import { inspectSettings, runText } from '../helpers/engine.js';
import { assemble } from '../helpers/wat.js';

const engine = openEngine({ threads: 1, parked: 0 });
test.after.always(() => engine.close());

const THOUSAND = 'i32 '.repeat(1000);
const RESULTS = '(local.get 0)'.repeat(1001);
const command = (fields: string, code: string) =>
  `(module (memory (export "memory") 1) ${fields} (func (export "_start") (local i32 i64 f64) ${code}))`;

/**
 * Modules just beyond what may be compiled. With ten times as many of what they have, V8 ends the
 * process, or takes gigabytes and minutes.
 */
const COSTLY: [what: string, text: string, error: RegExp][] = [
  [
    'branches that pass a thousand values',
    command(
      `(type $many (func (result ${THOUSAND})))`,
      `(block (type $many) ${RESULTS} ${'(br_if 0 (local.get 0))'.repeat(4000)} (br 0)) ${'drop '.repeat(1000)}`,
    ),
    /^Function 0 of the module takes too much to compile/,
  ],
  [
    'calls that pass a thousand values',
    command(
      `(func $give (result ${THOUSAND}) unreachable) (func $take (param ${THOUSAND}))`,
      '(call $give) (call $take)'.repeat(3000),
    ),
    /^Function 2 of the module takes too much to compile/,
  ],
  [
    'labels within the reach of fifty thousand locals',
    command(
      '',
      `(local ${'i32 '.repeat(49_000)}) ${'block '.repeat(150)} ${'local.get 0 br_if 0 end '.repeat(150)}`,
    ),
    /^Function 0 of the module takes too much to compile/,
  ],
  [
    'calls within the reach of fifty thousand locals',
    command('', `(local ${'externref '.repeat(49_000)}) ${'call 0 '.repeat(6000)}`),
    /^Function 0 of the module takes too much to compile/,
  ],
  [
    // The index of the type is also the number of a value type.
    'labels within the reach of the results of blocks',
    command(
      `${'(type (func))'.repeat(0x7f)} (type $many (func (result ${THOUSAND})))`,
      `${`(block (type $many) ${'(local.get 0)'.repeat(1000)})`.repeat(16)}
       ${'(block (br_if 0 (local.get 0)))'.repeat(1000)} ${'drop '.repeat(16_000)}`,
    ),
    /^Function 0 of the module takes too much to compile/,
  ],
  [
    'hundreds of thousands of conversions from floats',
    command('', `local.get 2 ${'i64.trunc_f64_u f64.convert_i64_u '.repeat(420_000)} drop`),
    /^Function 0 of the module takes too much to compile/,
  ],
  [
    'a function of a million instructions',
    command('', 'nop '.repeat(1 << 20)),
    /^Function 0 of the module has more than 1048576 instructions/,
  ],
  [
    'functions that are costly only together',
    command(
      `(type $many (func (result ${THOUSAND})))
       ${`(func (param i32) (block (type $many) ${RESULTS} ${'(br_if 0 (local.get 0))'.repeat(3000)} (br 0)) ${'drop '.repeat(1000)})`.repeat(10)}`,
      '',
    ),
    /^The module takes too much to compile/,
  ],
];
for (const [what, text, message] of COSTLY) {
  test(`a module with ${what} is refused at deploy`, async (t) => {
    const wasm = await assemble(text);
    await t.throwsAsync(engine.inspect(wasm, inspectSettings(wasm)), { code: 'invalid_module', message });
  });
}

test('tables have a million entries at most together, also when they grow', async (t) => {
  const tables = (count: number, min: number) => `(table ${min} funcref)`.repeat(count);
  const refused = await assemble(command(tables(60, 100_000), ''));
  await t.throwsAsync(engine.inspect(refused, inspectSettings(refused)), {
    code: 'invalid_module',
    message: /tables have 6000000 entries together; at most 1048576/,
  });
  const grows = Array.from(
    { length: 10 },
    (_, table) => `(if (i32.eq (table.grow ${table} (ref.null func) (i32.const 150000)) (i32.const -1))
      (then (local.set 0 (i32.const 1))))`,
  );
  const grown = await assemble(
    command(tables(10, 1), `${grows.join('\n')} (if (local.get 0) (then unreachable))`),
  );
  t.is((await runText(engine, grown, '')).error, 'trap: unreachable');
});

test('large modules of other projects are not too much to compile', (t) => {
  for (const path of ['re2-wasm/build/wasm/re2.wasm', 'shiki/dist/onig.wasm', 'quickjs-wasi/quickjs.wasm']) {
    t.not(scan(parse(readFileSync(`node_modules/${path}`))), null, path);
  }
});
