import test from 'ava';
import { MB } from '../../src/contract/limits.js';
import { WarmInstances } from '../../workers/engine/warm-instances.js';
import type { GuestThread, LoadedProgram } from '../../workers/threads/guest-thread.js';
import { readSource } from '../../workers/wasm/warm/source.js';
import { assemble } from '../helpers/wat.js';

/** What guests of a module hold outside their memory, in bytes. */
async function heapOf(fields: string) {
  const wasm = await assemble(`(module (memory (export "memory") 1) (func (export "_start")) ${fields})`);
  return readSource(wasm, 64).heap;
}

/** A function that handles `depth` exceptions of `values` values at once, and calls itself. */
function handling(depth: number, values: number): string {
  const handled = (inner: string) => `(try (do (call $throws)) (catch_all ${inner}))`;
  let body = '(call $rec)';
  for (let level = 0; level < depth; level++) body = handled(body);
  return `(tag $e (param ${'i64 '.repeat(values)}))
    (func $throws ${'(i64.const 1)'.repeat(values)} (throw $e))
    (func $rec ${body})`;
}

const functions = (count: number) => '(func)'.repeat(count);

test('a module as compilers make it holds less than a megabyte outside its memory', async (t) => {
  const { most } = await heapOf(
    `(table 100 funcref) (elem (i32.const 0) ${'0 '.repeat(100)}) ${functions(500)}`,
  );
  t.true(most < MB, `${most} bytes`);
});

test('caught exceptions count by their values and by how many a call handles at once', async (t) => {
  const sizes = await Promise.all(
    [handling(1, 1), handling(3, 1), handling(1, 8)].map(async (code) => (await heapOf(code)).most),
  );
  // Measured on Node 20: 50,000 calls that handle one exception each, of 112 bytes, fill the stack.
  const [one, three, wide] = sizes as [number, number, number];
  t.true(one > 5.3 * MB && one < 12 * MB, `${one} bytes`);
  t.true(three > 1.5 * one);
  t.true(wide > 2.5 * one);
  // Blocks after one another hold no exceptions at once.
  const block = '(try (do (call $throws)) (catch_all (call $rec)))';
  const side = handling(1, 1).replace(block, block.repeat(3));
  t.is((await heapOf(side)).most, one);
});

test('a module whose exceptions could hold hundreds of megabytes is refused', async (t) => {
  await t.throwsAsync(heapOf(handling(1, 17)), {
    code: 'invalid_module',
    message: 'An exception tag of the module has 17 values; at most 16 are allowed.',
  });
  await t.throwsAsync(heapOf(handling(65, 1)), {
    code: 'invalid_module',
    message: 'A function of the module handles 65 exceptions at once; at most 64 are allowed.',
  });
  await t.throwsAsync(heapOf(handling(40, 16)), {
    code: 'invalid_module',
    message: /^The module could hold 2\d\d MB outside its memory, .* at most 64 MB are allowed/,
  });
});

test('tables count as they may grow, and references to functions as code may make them', async (t) => {
  const entries = `(elem (i32.const 0) ${'0 '.repeat(20_000)})`;
  const table = `(table 20000 funcref) ${entries}`;
  const plain = (await heapOf(table)).most;
  t.true(plain < 2 * MB);
  const reads = (await heapOf(`${table} (func (drop (table.get 0 (i32.const 1))))`)).most;
  t.true(reads - plain > 20_000 * 200);
  const grows = '(func (drop (table.grow 0 (ref.null func) (i32.const 1))))';
  t.true((await heapOf(`(table 1 funcref) ${grows}`)).most > 16 * MB);
  await t.throwsAsync(heapOf(`(table 1 funcref) (elem func ${'0 '.repeat(300_000)}) ${grows}`), {
    code: 'invalid_module',
    message: /^The module could hold \d+ MB outside its memory/,
  });
});

test('warm instances are limited by what their exports take as well', async (t) => {
  const names = Array.from({ length: 5000 }, (_, index) => `(export "e${index}" (func 0))`).join('');
  const { instance: instanceBytes } = await heapOf(names);
  t.true(instanceBytes > MB);
  const warm = new WarmInstances(8);
  let unloaded = 0;
  const thread = { programs: new Map(), unload: () => unloaded++ } as unknown as GuestThread;
  for (let id = 0; id < 10; id++) {
    const program: LoadedProgram = { thread, key: `${id}`, id, keptBytes: 0, filledBytes: 0, instanceBytes };
    warm.add(program, 65_536);
  }
  warm.shrinkTo(2048);
  t.true(unloaded >= 5, `${unloaded} of 10 unloaded`);
});
