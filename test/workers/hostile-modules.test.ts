import test from 'ava';
import { parse } from '../../workers/wasm/binary/parse.js';
import { concat, section, u32 } from '../../workers/wasm/binary/writer.js';
import { rewrite } from '../../workers/wasm/instrument/rewrite.js';
import { readSource } from '../../workers/wasm/warm/source.js';
import { command, FUNCTION, handMade, I32, MEMORY } from '../helpers/wasm.js';

/** A module with one section of `count` equal entries. */
function repeated(id: number, count: number, ...entry: number[]): Uint8Array {
  const entries = new Uint8Array(count * entry.length);
  entry.forEach((byte, offset) => {
    for (let at = offset; at < entries.length; at += entry.length) entries[at] = byte;
  });
  const header = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  return concat([header, section(id, concat([u32(count), entries]))]);
}

for (const [what, id, most, ...entry] of [
  ['types', 1, 2000, 0x60, 0, 0],
  ['imports', 2, 10_000, 0, 0, 0, 0],
  ['functions', 3, 1_000_000, 0],
  ['tables', 4, 100_000, 0x70, 0, 0],
  ['memories', 5, 100_000, 0, 0],
  ['globals', 6, 100_000, I32, 0, 0x41, 0, 0x0b],
  ['exports', 7, 10_000, 0, 0, 0],
  ['tags', 13, 1000, 0, 0],
] as [string, number, number, ...number[]][]) {
  test(`a module with more than ${most} ${what} is refused before they are read`, (t) => {
    const message = `The module has ${most + 1} ${what}; at most ${most} are allowed.`;
    const wasm = repeated(id, most + 1, ...entry);
    t.throws(() => void parse(wasm), { code: 'invalid_module', message });
  });
}

test('a function type that no message could show is refused', (t) => {
  for (const type of [
    [Array<number>(1001).fill(I32), []],
    [[], Array<number>(1001).fill(I32)],
  ] as [number[], number[]][]) {
    const wide = handMade(command()).subarray(14);
    const [params, results] = type.map((values) => concat([u32(values.length), Uint8Array.from(values)]));
    const entry = concat([Uint8Array.of(1, 0x60), params ?? wide, results ?? wide]);
    const wasm = concat([handMade({}), section(1, entry), wide]);
    t.throws(() => readSource(wasm, 64), {
      code: 'invalid_module',
      message: /has 1001 values; at most 1000/,
    });
  }
});

test('types with too many values together are refused, as V8 compares them all with one another', (t) => {
  const type = (values: number) => [0x60, ...u32(values), ...Array<number>(values).fill(I32), 0];
  const withTypes = (...counts: number[]) =>
    concat([handMade({}), section(1, concat([u32(counts.length), Uint8Array.from(counts.flatMap(type))]))]);
  t.is(parse(withTypes(...Array<number>(10).fill(1000))).types.length, 10);
  t.throws(() => void parse(withTypes(...Array<number>(10).fill(1000), 1)), {
    code: 'invalid_module',
    message: /^The module's function types have more than 10000 parameters and results together/,
  });
});

test('exports with the names of all prefixes of added ones are told apart in linear time', (t) => {
  const wasm = handMade(
    command({
      exports: [
        { name: '_start', kind: FUNCTION, index: 0 },
        { name: 'memory', kind: MEMORY, index: 0 },
        ...Array.from({ length: 9998 }, (_, index) => ({
          name: `orama${index}:pages`,
          kind: FUNCTION,
          index: 0,
        })),
      ],
    }),
  );
  const { module, maxPages, scan } = readSource(wasm, 64);
  const before = process.cpuUsage().user;
  t.is(rewrite(module, { maxPages, scan }).names.pages, 'orama9998:pages');
  t.true(process.cpuUsage().user - before < 5e6);
});
