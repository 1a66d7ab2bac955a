import test from 'ava';
import fc from 'fast-check';
import { WASM_PAGE_BYTES } from '../../src/contract/limits.js';
import { Guest } from '../../workers/wasm/run/guest.js';
import type { Runner } from '../../workers/wasm/run/program.js';
import { createRunner } from '../../workers/wasm/run/runner.js';
import { readSource } from '../../workers/wasm/warm/source.js';
import { createReactorProgram } from '../../workers/wasm/warm/warm-program.js';
import { FILLED, INPUT_AT, PAGES, type Poke, pokes, pokingGuest } from '../helpers/poking-guest.js';
import { sandboxRun } from '../helpers/sandbox-run.js';

const LIMIT_MB = 1;
const MAX_BYTES = LIMIT_MB << 20;
const MEMORY_BYTES = PAGES * WASM_PAGE_BYTES;
const prepare = (fromGo: boolean) =>
  createReactorProgram(readSource(pokingGuest({ fromGo }), LIMIT_MB), 'poked');
const marked = prepare(true);
/** Reset by comparing the whole memory; the reference for the other one. */
const compared = prepare(false);

const guest = new Guest();

const run = (runner: Runner, ...all: Poke[]) => sandboxRun(guest, runner, pokes(...all));

const begin = (program = marked) => createRunner(program, guest);

/** Returns the memory as a run finds it, without the region of the input. */
function memoryOf(runner: Runner): Buffer {
  const { output, error } = run(runner, { do: 'read', at: 0, length: MEMORY_BYTES });
  if (error !== null) throw new Error(error);
  const memory = Buffer.from(output);
  return memory.fill(0, INPUT_AT, INPUT_AT + pokes({ do: 'grow', pages: 0 }).length);
}

const untouched = Buffer.alloc(MEMORY_BYTES).fill(FILLED.byte, FILLED.at, FILLED.at + FILLED.length);

test('only guests built by Go get write barriers, and both kinds start with the same memory', (t) => {
  t.true(marked.tableBytes > 0);
  t.is(compared.tableBytes, 0);
  t.true(memoryOf(begin()).equals(untouched));
});

const BORDERS = [
  0,
  1023,
  1024,
  4095,
  4096,
  FILLED.at + FILLED.length,
  WASM_PAGE_BYTES,
  MEMORY_BYTES,
  MAX_BYTES,
];
/**
 * Addresses inside, outside, at boundaries of cards, pages and memory, and near the end of the
 * address space.
 */
const address = fc.oneof(
  fc.nat(MEMORY_BYTES),
  fc.tuple(fc.constantFrom(...BORDERS), fc.integer({ min: -9, max: 9 })).map(([at, by]) => (at + by) >>> 0),
  fc.nat(2 * WASM_PAGE_BYTES).map((below) => -below >>> 0),
);
const length = fc.oneof(fc.nat(20), fc.nat(5000), fc.nat(MEMORY_BYTES));
const poke: fc.Arbitrary<Poke> = fc.oneof(
  fc.record({ do: fc.constantFrom('store8', 'store64', 'store64', 'storeFar', 'storeAndTrap'), at: address }),
  fc.record({ do: fc.constant('fill'), at: address, length }),
  fc.record({ do: fc.constant('copy'), at: address, from: address, length }),
  fc.record({ do: fc.constant('grow'), pages: fc.oneof(fc.nat(3), fc.constant(-1 >>> 0)) }),
);

test('after any writes and any end of a run, the next run starts with the initial memory', (t) => {
  const runner = begin();
  const other = begin(compared);
  fc.assert(
    fc.property(fc.array(poke, { maxLength: 6 }), address, (all, at) => {
      const ask: Poke[] = [...all, { do: 'read', at, length: 9 }];
      const { output, error, exitCode, pages, refused } = run(runner, ...ask);
      const expected = run(other, ...ask);
      // Pointers outside and inside are distinguished, and traps are reported, as without write
      // barriers.
      t.deepEqual({ output, error, exitCode, pages, refused }, { ...expected });
      t.true(memoryOf(runner).equals(untouched));
    }),
    { numRuns: 500 },
  );
});

test('every byte of the memory is restored after byte, word and fill stores', (t) => {
  const runner = begin();
  for (let at = 0; at <= MEMORY_BYTES - 8; at += 509) {
    run(runner, { do: 'store64', at }, { do: 'store8', at: at + 8 });
  }
  t.true(memoryOf(runner).equals(untouched));
  run(
    runner,
    { do: 'fill', at: 0, length: 1 },
    { do: 'fill', at: INPUT_AT + 1000, length: MEMORY_BYTES - INPUT_AT - 1000 },
  );
  t.true(memoryOf(runner).equals(untouched));
});

test('memory grown by one guest is zero when the next guest grows', (t) => {
  const runner = begin();
  const last = MAX_BYTES - 8;
  const grow: Poke = { do: 'grow', pages: MAX_BYTES / WASM_PAGE_BYTES - PAGES };
  const read: Poke = { do: 'read', at: last, length: 8 };
  for (let round = 0; round < 3; round++) {
    t.deepEqual(run(runner, grow, read).output, new Uint8Array(8));
    t.is(run(runner, grow, { do: 'store64', at: last }).pages, MAX_BYTES / WASM_PAGE_BYTES);
  }
});

test('no guest address reaches the card table by a store, offset, copy or fill', (t) => {
  const runner = begin();
  const beyond = 'trap: memory access out of bounds';
  for (let below = 1; below <= marked.tableBytes + 1; below = below * 2 + 1) {
    const at = -below >>> 0;
    const tries: Poke[] = [
      { do: 'store8', at },
      { do: 'store64', at },
      { do: 'storeFar', at: at + 1 },
      { do: 'fill', at, length: 4 },
      { do: 'fill', at, length: below },
      { do: 'copy', at, from: 0, length: 4 },
      { do: 'copy', at: 0, from: at, length: 4 },
      { do: 'copy', at: 0, from: at, length: 0 },
    ];
    for (const each of tries) t.is(run(runner, each).error, beyond, `${JSON.stringify(each)}`);
    t.regex(run(runner, { do: 'read', at, length: 4 }).error ?? '', /outside its memory/);
  }
  t.true(memoryOf(runner).equals(untouched));
});

test('an instance is kept after a normal end, and the memory is restored after a trap', (t) => {
  const runner = begin();
  run(runner, { do: 'store8', at: 5 });
  t.is(runner.keptBytes(), MEMORY_BYTES);
  t.is(run(runner, { do: 'storeAndTrap', at: 5 }).error, 'trap: unreachable');
  t.true(memoryOf(runner).equals(untouched));
});
