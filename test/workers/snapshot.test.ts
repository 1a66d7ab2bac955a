import test from 'ava';
import fc from 'fast-check';
import { WASM_PAGE_BYTES } from '../../src/contract/limits.js';
import { CARD_SHIFT } from '../../workers/wasm/instrument/dirty-cards.js';
import { Restorer, shareBlocks, takeSnapshot } from '../../workers/wasm/run/snapshot.js';

/** Random writes to a memory of `pages` pages. */
const writes = (pages: number) =>
  fc.array(fc.record({ at: fc.nat(pages * WASM_PAGE_BYTES - 1), value: fc.integer({ min: 1, max: 255 }) }), {
    maxLength: 40,
  });

const write = (memory: Uint8Array, all: readonly { at: number; value: number }[]) => {
  for (const { at, value } of all) memory[at] = value;
};

test('a snapshot restores any written memory byte for byte', (t) => {
  const made = fc
    .integer({ min: 1, max: 12 })
    .chain((pages) => fc.record({ pages: fc.constant(pages), first: writes(pages), second: writes(pages) }));
  fc.assert(
    fc.property(made, ({ pages, first, second }) => {
      const original = new Uint8Array(pages * WASM_PAGE_BYTES);
      write(original, first);
      const restorer = new Restorer(takeSnapshot(original, []));
      const memory = new Uint8Array(original.length);
      restorer.fill(memory);
      t.is(Buffer.compare(memory, original), 0);
      write(memory, second);
      restorer.restore(memory);
      t.is(Buffer.compare(memory, original), 0);
    }),
    { numRuns: 100 },
  );
});

test('a snapshot that shares blocks with another restores the same bytes and stores only its own blocks', (t) => {
  const made = fc.record({
    pages: fc.integer({ min: 1, max: 6 }),
    basePages: fc.integer({ min: 1, max: 6 }),
  });
  const both = made.chain(({ pages, basePages }) => {
    const common = writes(Math.min(pages, basePages));
    return fc.record({
      pages: fc.constant(pages),
      basePages: fc.constant(basePages),
      common,
      own: writes(pages),
      theirs: writes(basePages),
      run: writes(pages),
    });
  });
  fc.assert(
    fc.property(both, ({ pages, basePages, common, own, theirs, run }) => {
      const [original, base] = [pages, basePages].map((count) => new Uint8Array(count * WASM_PAGE_BYTES));
      if (original === undefined || base === undefined) return;
      for (const memory of [original, base]) write(memory, common);
      write(original, own);
      write(base, theirs);
      const [snapshot, baseSnapshot] = [takeSnapshot(original, []), takeSnapshot(base, [])];
      const shared = shareBlocks(snapshot, baseSnapshot);
      t.true(shared.filled.byteLength <= snapshot.filled.byteLength);
      t.is(shareBlocks(takeSnapshot(base, []), baseSnapshot).filled.byteLength, 0);
      const restorer = new Restorer(shared);
      const memory = new Uint8Array(original.length);
      restorer.fill(memory);
      t.is(Buffer.compare(memory, original), 0);
      write(memory, run);
      restorer.restore(memory);
      t.is(Buffer.compare(memory, original), 0);
      write(memory, run);
      restorer.restoreDirty(memory, new Uint8Array(memory.length >> CARD_SHIFT).fill(1));
      t.is(Buffer.compare(memory, original), 0);
    }),
    { numRuns: 100 },
  );
});
