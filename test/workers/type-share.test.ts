import test from 'ava';
import { ModuleCompiler } from '../../workers/threads/module-compiler.js';
import { TypeShare } from '../../workers/threads/type-share.js';
import { distinctTypes } from '../../workers/wasm/binary/module.js';
import { parse } from '../../workers/wasm/binary/parse.js';
import { concat, section, u32 } from '../../workers/wasm/binary/writer.js';
import { reactor } from '../helpers/reactor.js';
import { handMade } from '../helpers/wasm.js';

/** `count` types of 5 values, all different for different `from`. */
const types = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => String(from + index).padStart(6, '0'));

test('a type counts once, for the namespace that adds it first', (t) => {
  const share = new TypeShare(6000);
  t.true(share.admit('a', types(100)));
  for (let again = 0; again < 10; again++) {
    t.true(share.admit('a', types(100)));
    t.true(share.admit('b', types(100)));
  }
  t.true(share.admit('b', types(90, 1000)), 'b has added none so far');
  t.false(share.admit('a', types(50, 2000)), 'a has added its part');
});

test('namespaces that add as many types as they may leave some to each further one', (t) => {
  const share = new TypeShare(1 << 17);
  let added = 0;
  for (let namespace = 0; namespace < 20; namespace++) {
    while (share.admit(`hostile-${namespace}`, types(10, added))) added += 10;
  }
  t.true(added < 20_000, `${added} types`);
  t.true(share.admit('honest', types(150, added)));
});

test('a refused module adds no types', (t) => {
  const share = new TypeShare(6000);
  t.false(share.admit('a', types(200)));
  t.true(share.admit('a', types(100, 100)));
});

test('the types of a module are told apart by parameters and results', (t) => {
  const entries = [
    [0x60, 1, 0x7f, 0],
    [0x60, 0, 1, 0x7f],
    [0x60, 0, 0],
    [0x60, 1, 0x7f, 0],
  ];
  const wasm = concat([
    handMade({}),
    section(1, concat([u32(entries.length), Uint8Array.from(entries.flat())])),
  ]);
  t.deepEqual(
    distinctTypes(parse(wasm)).map((type) => type.length),
    [2, 2, 1],
  );
});

test('a module whose types are beyond the share of its namespace is refused, and the next one compiled', async (t) => {
  const compiler = new ModuleCompiler({ types: new TypeShare(0) });
  t.teardown(() => compiler.close());
  const module = { wasm: reactor([]), name: 'tested', limitMb: 16, want: 'probe' } as const;
  for (let attempt = 0; attempt < 3; attempt++) {
    await t.throwsAsync(compiler.compile('tester', 'deploy', module), {
      code: 'quota_exceeded',
      message:
        /distinct function types, and those that are new to this engine process are more than the namespace may still add/,
    });
  }
});
