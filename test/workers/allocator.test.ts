import test from 'ava';
import { openEngine } from '../../workers/engine/engine.js';
import { runText } from '../helpers/engine.js';
import { command, FUNCTION, handMade, I32, I64, MEMORY } from '../helpers/wasm.js';

const engine = openEngine({ threads: 1, parked: 0 });
test.after.always(() => engine.close());

test('a packed result in a module without an allocator is 0, and the log states the reason', async (t) => {
  // if get_request_id() != 0 trap
  const wasm = handMade({
    types: [
      [[], []],
      [[], [I64]],
    ],
    imports: [{ module: 'env', name: 'get_request_id', description: [FUNCTION, 1] }],
    functions: [{ type: 0, code: [0, 0x10, 0, 0x42, 0, 0x52, 0x04, 0x40, 0, 0x0b] }],
    memories: [[0, 1]],
    exports: [
      { name: '_start', kind: FUNCTION, index: 1 },
      { name: 'memory', kind: MEMORY, index: 0 },
    ],
  });
  const outcome = await runText(engine, wasm, '');
  t.is(outcome.error, null);
  t.is(outcome.log.length, 1);
  t.regex(outcome.log[0] ?? '', /^error: get_request_id failed: the module exports no allocator/);
});

for (const [what, code, error, log] of [
  // Body of the allocator; its parameter is local 0.
  ['traps', [0, 0x00], 'trap: unreachable', null],
  [
    'returns a pointer outside the memory',
    [0, 0x41, 0x70],
    'trap: memory access out of bounds in get_request_id',
    null,
  ],
  [
    'returns 0',
    [0, 0x41, 0],
    null,
    "error: get_request_id failed: the module's allocator returned 0 for 36 bytes",
  ],
  [
    'calls a host function',
    [0, 0x10, 0, 0xa7],
    "trap: get_request_id was called from inside the guest's allocator",
    null,
  ],
  ['recurses endlessly', [0, 0x20, 0, 0x10, 2], 'trap: call stack exhausted', null],
] as const) {
  test(`an allocator that ${what} affects only its own invocation`, async (t) => {
    const wasm = handMade({
      types: [
        [[], []],
        [[], [I64]],
        [[I32], [I32]],
      ],
      imports: [{ module: 'env', name: 'get_request_id', description: [FUNCTION, 1] }],
      functions: [
        { type: 0, code: [0, 0x10, 0, 0x1a] },
        { type: 2, code: [...code] },
      ],
      memories: [[0, 1]],
      exports: [
        { name: '_start', kind: FUNCTION, index: 1 },
        { name: 'orama_alloc', kind: FUNCTION, index: 2 },
        { name: 'memory', kind: MEMORY, index: 0 },
      ],
    });
    const outcome = await runText(engine, wasm, '');
    t.is(outcome.error, error);
    t.deepEqual(outcome.log, log === null ? [] : [log]);
    t.is((await runText(engine, handMade(command()), '')).status, 'success');
  });
}
