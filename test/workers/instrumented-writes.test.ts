import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { WASM_PAGE_BYTES } from '../../src/contract/limits.js';
import { messageOf } from '../../src/errors.js';
import { parse } from '../../workers/wasm/binary/parse.js';
import { scan } from '../../workers/wasm/binary/scan.js';
import { i32Const, u32 } from '../../workers/wasm/binary/writer.js';
import { CARD_SHIFT, cardTableOf } from '../../workers/wasm/instrument/dirty-cards.js';
import { rewrite } from '../../workers/wasm/instrument/rewrite.js';
import { isGlobal, memoryOf } from '../../workers/wasm/run/instance.js';
import { Restorer, takeSnapshot } from '../../workers/wasm/run/snapshot.js';
import {
  CALL_NEXT,
  type Code,
  NARROW,
  PAGES,
  storingBodies,
  storingModule,
} from '../helpers/storing-code.js';

const MAX_PAGES = 4;
const CHUNK = 1 << CARD_SHIFT;
/** Partly filled, so that both kinds of extents are restored. */
const image = new Uint8Array(PAGES * WASM_PAGE_BYTES);
for (let at = 0; at < 40_000; at++) image[at] = (at * 31) % 251;
const restorer = new Restorer(takeSnapshot(image, []));

/**
 * Runs the module on the image. Returns how it ended, its memory, and the memory and marks after
 * the reset.
 */
function run(wasm: Uint8Array, track: boolean) {
  const module = parse(wasm);
  const options = {
    maxPages: MAX_PAGES,
    scan: scan(module),
    exportGlobals: true,
    forSnapshot: true,
    writeBarriers: track,
  };
  const { bytes, names, globals, tableBytes } = rewrite(module, options);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  const memory = () => new Uint8Array(memoryOf(instance)?.buffer ?? new ArrayBuffer(0), tableBytes);
  const { _start: start } = instance.exports;
  if (typeof start !== 'function') throw new Error('the module has no _start');
  memoryOf(instance)?.grow(PAGES);
  restorer.fill(memory());
  let ended = 'well';
  try {
    start();
  } catch (error) {
    ended = messageOf(error);
  }
  const left = memory().slice();
  const values = [names.pages, names.refused, ...globals].map((name) => {
    const global = instance.exports[name ?? ''];
    return isGlobal(global) ? global.value : null;
  });
  const marks = cardTableOf(memory().buffer as ArrayBuffer, tableBytes);
  if (tableBytes > 0) restorer.restoreDirty(memory(), marks);
  else restorer.restore(memory());
  return { tableBytes, ended, values, left, restored: memory(), marks };
}

function isPutBack(t: ExecutionContext, wasm: Uint8Array): string {
  const plain = run(wasm, false);
  const tracked = run(wasm, true);
  t.true(tracked.tableBytes > 0);
  t.deepEqual([tracked.ended, tracked.values], [plain.ended, plain.values]);
  t.is(Buffer.compare(tracked.left, plain.left), 0);
  const expected = new Uint8Array(tracked.restored.length);
  expected.set(image);
  t.is(Buffer.compare(tracked.restored, expected), 0);
  // The engine does not use an instance without a card table again when its memory has grown.
  t.is(Buffer.compare(plain.restored.subarray(0, image.length), image), 0);
  t.true(tracked.marks.every((mark) => mark === 0));
  return plain.ended;
}

test('instrumented code behaves like the original, and its writes are restored byte for byte', (t) => {
  let well = 0;
  fc.assert(
    fc.property(storingBodies, (bodies) => {
      if (isPutBack(t, storingModule(bodies)) === 'well') well++;
    }),
    { numRuns: 2000 },
  );
  // Enough of them do not trap at one of their first stores.
  t.true(well > 200, `${well} of 2000 ended well`);
});

const at = (address: number) => [...i32Const(address)];
/** Stores eight bytes at the address that the code pushes. */
const store = (address: Code, offset = 0): Code => [...address, 0x42, 0x6f, 0x37, 0, ...u32(offset)];
const x: Code = [0x20, 0];
const setX = (value: Code): Code => [...value, 0x21, 0];
const add = (address: Code, distance: number): Code => [...address, ...at(distance), 0x6a];
const global: Code = [0x23, 0];
const once: Code = [0x02, 0x40];
const END = 0x0b;
const NEAR = 8 * CHUNK;
const FAR = 90 * CHUNK;

/** Stores that must not be mistaken for ones near an address that has been marked. */
const CASES: [string, ...Code[]][] = [
  ['after its address local was changed', [...setX(at(NEAR)), ...store(x), ...setX(at(FAR)), ...store(x)]],
  [
    'in the second iteration of a loop',
    [
      ...[...setX(at(NEAR)), ...store(x), 0x03, 0x40, ...store(x)],
      ...[...x, ...setX(at(FAR)), ...at(FAR), 0x47, 0x0d, 0, END], // br_if: repeat if not there yet
    ],
  ],
  [
    'after two branches join',
    [...setX(at(NEAR)), ...store(x), ...once, ...at(1), 0x0d, 0, ...setX(at(FAR)), END, ...store(x)],
  ],
  [
    'after an if without else that changes its address local',
    [...setX(at(NEAR)), ...store(x), ...at(1), 0x04, 0x40, ...setX(at(FAR)), END, ...store(x)],
  ],
  [
    'in an else branch when only the then branch has stored',
    [...setX(at(FAR)), ...at(0), 0x04, 0x40, ...store(x), 0x05, ...store(x), END],
  ],
  ['after a block that ends early', [...setX(at(FAR)), ...once, 0x0c, 0, ...store(x), END, ...store(x)]],
  [
    'after a called function changed its address global',
    [...store(global), CALL_NEXT, ...store(global)],
    [...at(FAR), 0x24, 0],
  ],
  [
    'at the end of the next card',
    [...setX(at(NEAR + CHUNK - 1)), ...store(x), ...store(x, 1023), ...store(x, 1024)],
  ],
  ['at a large address offset', [...setX(at(NEAR)), ...store(x, 5000), ...store(x, 5500), ...store(x, 7000)]],
  [
    'at a constant address to which only an untaken branch has stored',
    [...at(0), 0x04, 0x40, ...store(at(FAR)), END, ...store(at(FAR))],
  ],
  ['120 bytes before a marked address', [...setX(at(NEAR)), ...store(x), ...store(add(x, -120))]],
  ['136 bytes before a marked address', [...setX(at(NEAR)), ...store(x), ...store(add(x, -136))]],
  ['at an address sum that wraps around zero', [...setX(at(NEAR)), ...store(x), ...store(add(x, -NEAR - 8))]],
  ['across the border of two cards', [...setX(at(NEAR - 1)), ...store(x), ...store(at(FAR - 4))]],
  [
    'at the end of the memory',
    [...store(at(PAGES * WASM_PAGE_BYTES - 8)), ...store(at(PAGES * WASM_PAGE_BYTES - 7))],
  ],
];
for (const [where, ...bodies] of CASES) {
  test(`a store is marked ${where}`, (t) => {
    isPutBack(t, storingModule(bodies));
  });
}

test('a constant encoded in ten LEB128 bytes is not taken for an address offset', (t) => {
  const distance = -80 * CHUNK;
  // A double does not have enough precision.
  const long = Array.from({ length: 10 }, (_, digit) =>
    Number((BigInt(distance) >> BigInt(7 * digit)) & 0x7fn),
  );
  const encoded = long.map((digit, index) => (index < 9 ? digit | 0x80 : digit));
  const wide = [0x20, NARROW];
  const away = [...wide, 0x42, ...encoded, 0x7c, 0xa7];
  const body = [...at(FAR), 0xad, 0x21, NARROW, ...store([...wide, 0xa7]), ...store(away)];
  t.is(isPutBack(t, storingModule([body])), 'well');
});

const NOT_FOLLOWED: [string, Code][] = [
  ['a vector', [...at(NEAR), 0xfd, 12, ...Array<number>(16).fill(1), 0xfd, 11, 4, 0]],
  ['an atomic store', [...at(NEAR), ...at(1), 0xfe, 0x17, 2, 0]],
  ['an exception handler', [0x06, 0x40, ...store(at(NEAR)), 0x19, END]],
];
for (const [what, body] of NOT_FOLLOWED) {
  test(`code with ${what} gets no write barriers`, (t) => {
    const { tableBytes, ended, left } = run(storingModule([body]), true);
    t.is(tableBytes, 0);
    t.is(ended, 'well');
    t.false(Buffer.from(left).equals(image));
  });
}
