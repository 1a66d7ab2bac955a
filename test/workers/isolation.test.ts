import test from 'ava';
import { openEngine } from '../../workers/engine/engine.js';
import { runText } from '../helpers/engine.js';
import { guest } from '../helpers/guests.js';
import { isolationRound } from '../helpers/isolation.js';
import { command, type HandMade, handMade, I32 } from '../helpers/wasm.js';

test('64 concurrent guests of two namespaces see only their own wallet, secrets, env, data and log', async (t) => {
  const engine = openEngine({ threads: 2, parked: 64 });
  t.teardown(() => engine.close());
  const { runs, mixed } = await isolationRound(engine, { invocations: 1500, atOnce: 64 });
  t.is(runs, 1500);
  t.deepEqual(mixed, []);
});

test('a guest that overwrites its memory does not affect the next run', async (t) => {
  const engine = openEngine({ threads: 1, parked: 0 });
  t.teardown(() => engine.close());
  const wasm = await guest('kitchen.c');
  for (let round = 0; round < 5; round++) {
    t.is((await runText(engine, wasm, 'count\ncount')).output, '1\n2\n');
    await runText(engine, wasm, 'count\ndeface');
  }
  const reactor = await guest('kitchen.reactor.c');
  for (const input of ['a', 'grow', 'b', 'grow', 'c']) {
    const { output } = await runText(engine, reactor, input, { warmStart: 'reactor' });
    // The alphabet and the counter are new, and so is the end of the memory.
    t.is(output, `abcdefghijklmnopqrstuvwxyz1${input}.`);
  }
});

const TRAP = 0x00;
const IF_EMPTY = [0x04, 0x40];
const END = 0x0b;

/** Commands that succeed in a new instance and change it so that a second run would trap. */
const MARKING: [string, HandMade][] = [
  [
    'sets a table entry',
    {
      functions: [
        // call_indirect 0; table.set 0 (ref.func 2)
        { type: 0, code: [0, 0x41, 0, 0x11, 0, 0, 0x41, 0, 0xd2, 2, 0x26, 0] },
        { type: 0, code: [0] },
        { type: 0, code: [0, TRAP] },
      ],
      tables: [[0x70, 0, 1]],
      // Entry 0 is function 1; function 2 is only declared.
      elements: [
        [0, 0x41, 0, END, 1, 1],
        [3, 0, 1, 2],
      ],
    },
  ],
  [
    'grows a table',
    {
      // if (table.size != 1) trap; table.grow by 1
      functions: [
        {
          type: 0,
          code: [
            0,
            0xfc,
            16,
            0,
            0x41,
            1,
            0x47,
            ...IF_EMPTY,
            TRAP,
            END,
            0xd0,
            0x70,
            0x41,
            1,
            0xfc,
            15,
            0,
            0x1a,
          ],
        },
      ],
      tables: [[0x70, 0, 1]],
    },
  ],
  [
    'drops an element segment',
    {
      // table.init of one entry, which traps once the segment is gone; elem.drop
      functions: [
        { type: 0, code: [0, 0x41, 0, 0x41, 0, 0x41, 1, 0xfc, 12, 0, 0, 0xfc, 13, 0] },
        { type: 0, code: [0] },
      ],
      tables: [[0x70, 0, 1]],
      elements: [[1, 0, 1, 1]],
    },
  ],
  [
    'sets a global',
    {
      // if (global) trap; global = 1
      functions: [{ type: 0, code: [0, 0x23, 0, ...IF_EMPTY, TRAP, END, 0x41, 1, 0x24, 0] }],
      globals: [[I32, 1, 0x41, 0, END]],
    },
  ],
  [
    'writes and grows its memory',
    {
      // if (byte 9 of memory, or memory.size != 1) trap; byte 9 = 1; memory.grow by 1
      functions: [
        {
          type: 0,
          code: [
            ...[0, 0x41, 9, 0x2d, 0, 0, 0x3f, 0, 0x41, 1, 0x47, 0x72, ...IF_EMPTY, TRAP, END],
            ...[0x41, 9, 0x41, 1, 0x3a, 0, 0, 0x41, 1, 0x40, 0, 0x1a],
          ],
        },
      ],
      memories: [[0, 1]],
    },
  ],
];

for (const [what, made] of MARKING) {
  test(`a guest that ${what} does not affect the next run`, async (t) => {
    const engine = openEngine({ threads: 1, parked: 0 });
    t.teardown(() => engine.close());
    const wasm = handMade(command(made));
    for (let run = 0; run < 3; run++) {
      const { status, error } = await runText(engine, wasm, '');
      t.is(status, 'success', error ?? '');
    }
    // Verify the check itself: a second run in one instance traps.
    const { _start: start } = new WebAssembly.Instance(new WebAssembly.Module(wasm)).exports;
    if (typeof start !== 'function') throw new Error('the module has no _start');
    t.notThrows(() => start());
    t.throws(() => start(), { instanceOf: WebAssembly.RuntimeError });
  });
}
