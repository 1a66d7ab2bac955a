import test from 'ava';
import fc from 'fast-check';
import { WASM_PAGE_BYTES } from '../../src/contract/limits.js';
import { Restorer, takeSnapshot } from '../../workers/wasm/run/image.js';

/** Bytes written somewhere in a memory of so many pages. */
const writes = (pages: number) =>
  fc.array(fc.record({ at: fc.nat(pages * WASM_PAGE_BYTES - 1), value: fc.integer({ min: 1, max: 255 }) }), {
    maxLength: 40,
  });

const write = (memory: Uint8Array, all: readonly { at: number; value: number }[]) => {
  for (const { at, value } of all) memory[at] = value;
};

test('whatever is written, and however far the memory has grown, it is put back byte for byte', (t) => {
  const made = fc.integer({ min: 1, max: 12 }).chain((pages) =>
    fc.integer({ min: 0, max: 3 }).chain((grown) =>
      fc.record({
        pages: fc.constant(pages),
        grown: fc.constant(grown),
        first: writes(pages),
        second: writes(pages + grown),
      }),
    ),
  );
  fc.assert(
    fc.property(made, ({ pages, grown, first, second }) => {
      const original = new Uint8Array(pages * WASM_PAGE_BYTES);
      write(original, first);
      const restorer = new Restorer(takeSnapshot(original, []));
      const memory = new Uint8Array((pages + grown) * WASM_PAGE_BYTES);
      restorer.fill(memory);
      t.is(Buffer.compare(memory.subarray(0, original.length), original), 0);
      write(memory, second);
      restorer.restore(memory);
      t.is(Buffer.compare(memory.subarray(0, original.length), original), 0);
      t.true(memory.subarray(original.length).every((byte) => byte === 0));
    }),
    { numRuns: 100 },
  );
});
