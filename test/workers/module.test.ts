import test from 'ava';
import { isAppError } from '../../src/errors.js';
import { openEngine } from '../../workers/engine/engine.js';
import { parse } from '../../workers/wasm/binary/parse.js';
import { scan } from '../../workers/wasm/binary/scan.js';
import { rewrite } from '../../workers/wasm/instrument/rewrite.js';
import { createFreshProgram } from '../../workers/wasm/warm/fresh.js';
import { compile, readSource } from '../../workers/wasm/warm/source.js';
import { inspectSettings, runText } from '../helpers/engine.js';
import { fuzzModule } from '../helpers/fuzz.js';
import { guest } from '../helpers/guests.js';
import { command, FUNCTION, type HandMade, handMade, I32, I64, MEMORY } from '../helpers/wasm.js';
import { assemble } from '../helpers/wat.js';

const engine = openEngine({ threads: 1, parked: 0 });
test.after.always(() => engine.close());

const inspect = (wasm: Uint8Array) => engine.inspect(wasm, inspectSettings(wasm));

test('the smallest command is accepted and runs', async (t) => {
  const wasm = handMade(command());
  t.deepEqual(await inspect(wasm), { kind: 'command', warmStart: 'fresh' });
  t.is((await runText(engine, wasm, '')).status, 'success');
});

test('a command without a memory is accepted and runs', async (t) => {
  const { memories: _, ...rest } = command({ exports: [{ name: '_start', kind: FUNCTION, index: 0 }] });
  t.is((await runText(engine, handMade(rest), '')).status, 'success');
});

const imported = (module: string, name: string, description: number[]): HandMade =>
  command({
    types: [
      [[], []],
      [[I32, I32], [I64]],
      [[I32], [I32]],
    ],
    imports: [{ module, name, description }],
    ...(description[0] === FUNCTION
      ? {
          exports: [
            { name: '_start', kind: FUNCTION, index: 1 },
            { name: 'memory', kind: MEMORY, index: 0 },
          ],
        }
      : {}),
  });

/** A command whose export `_start` begins with a byte that UTF-8 does not have. */
const misnamed = handMade(command()).map((byte) => (byte === '_'.charCodeAt(0) ? 0xff : byte));

const REFUSED: [string, Uint8Array, RegExp][] = [
  ['an empty file', new Uint8Array(0), /no WebAssembly module/],
  ['a text file', new TextEncoder().encode('console.log(1)'), /no WebAssembly module/],
  ['a module of only a header', handMade({}), /neither _start .* nor handle/],
  ['a component', Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0), /component/],
  ['another WebAssembly version', Uint8Array.of(0, 0x61, 0x73, 0x6d, 2, 0, 0, 0), /version/],
  ['a truncated module', handMade(command()).subarray(0, 20), /cut off/],
  ['a name that is not UTF-8', misnamed, /^The module has a name at byte \d+ that is not UTF-8\.$/],
  ['a module of more than 32 MB', new Uint8Array((32 << 20) + 1), /32\.0 MB; at most 32 MB/],
  [
    'a module without an entry point',
    handMade(command({ exports: [{ name: 'memory', kind: MEMORY, index: 0 }] })),
    /neither _start/,
  ],
  [
    'an unknown host function',
    handMade(imported('env', 'launch_missiles', [FUNCTION, 1])),
    /imports env\.launch_missiles, and there is no such host function/,
  ],
  [
    'an unknown WASI function',
    handMade(imported('wasi_snapshot_preview1', 'fd_teleport', [FUNCTION, 1])),
    /wasi_snapshot_preview1\.fd_teleport/,
  ],
  [
    'an import from an unknown module',
    handMade(imported('wasi_unstable', 'fd_write', [FUNCTION, 1])),
    /wasi_unstable\.fd_write/,
  ],
  [
    'a host function of another type',
    handMade(imported('host', 'get_env', [FUNCTION, 2])),
    /imports host\.get_env as \(i32\) -> \(i32\); its type is \(i32 i32\) -> \(i64\)/,
  ],
  ['an imported memory', handMade(imported('env', 'memory', [2, 0, 1])), /imports its memory/],
  ['an imported table', handMade(imported('env', 't', [1, 0x70, 0, 1])), /imports the table env\.t/],
  ['an imported global', handMade(imported('env', 'g', [3, I32, 0])), /imports the global env\.g/],
  ['shared memory', handMade(command({ memories: [[3, 1, 2]] })), /shared memory/],
  ['64-bit memory', handMade(command({ memories: [[4, 1]] })), /64-bit memory/],
  [
    'a module with two memories',
    handMade(
      command({
        memories: [
          [0, 1],
          [0, 1],
        ],
      }),
    ),
    /has 2 memories/,
  ],
  [
    'a memory that is not exported',
    handMade(command({ exports: [{ name: '_start', kind: FUNCTION, index: 0 }] })),
    /does not export its memory/,
  ],
  [
    'more memory than the limit',
    handMade(command({ memories: [[0, 0x81, 0x08]] })),
    /needs 64\.1 MB of memory to start and its limit is 64 MB/,
  ],
  [
    'a huge table',
    handMade(command({ tables: [[0x70, 0, 0x80, 0x80, 0x80, 0x04]] })),
    /tables have 8388608 entries together/,
  ],
  [
    'a _start with parameters',
    handMade(command({ types: [[[I32], []]] })),
    /exports _start as \(i32\) -> \(\)/,
  ],
  [
    'a handle of another type',
    handMade(
      command({
        exports: [
          { name: 'handle', kind: FUNCTION, index: 0 },
          { name: 'memory', kind: MEMORY, index: 0 },
        ],
      }),
    ),
    /exports handle as \(\) -> \(\)/,
  ],
  [
    'a reactor without an allocator',
    handMade(
      command({
        types: [[[I32, I32], [I64]]],
        functions: [{ type: 0, code: [0, 0x42, 0] }],
        exports: [
          { name: 'handle', kind: FUNCTION, index: 0 },
          { name: 'memory', kind: MEMORY, index: 0 },
        ],
      }),
    ),
    /no orama_alloc/,
  ],
  [
    'code with a type error',
    handMade(command({ functions: [{ type: 0, code: [0, 0x6a] }] })),
    /^The module is not valid WebAssembly: byte \d+ breaks the format \(the code section, in function 0\); build it again/,
  ],
  [
    'an unknown instruction',
    handMade(command({ functions: [{ type: 0, code: [0, 0xff] }] })),
    /^The module is not valid WebAssembly: byte \d+ breaks the format \(the code section, in function 0\); build it again/,
  ],
];
for (const [what, wasm, message] of REFUSED) {
  test(`${what} is refused with invalid_module and the reason`, async (t) => {
    const error = await t.throwsAsync(inspect(wasm));
    t.true(isAppError(error, 'invalid_module'), String(error));
    t.regex(error?.message ?? '', message);
  });
}

test('damaged modules are refused with invalid_module, and the errors contain no text of V8', async (t) => {
  const valid = handMade(command({ functions: [{ type: 0, code: [0, 0x41, 1, 0x1a] }] }));
  const damaged = [
    ...Array.from({ length: valid.length }, (_, end) => valid.slice(0, end)),
    ...Array.from({ length: valid.length }, (_, at) =>
      valid.map((byte, index) => (index === at ? byte ^ 0x55 : byte)),
    ),
  ];
  let refused = 0;
  for (const wasm of damaged) {
    const error: unknown = await inspect(wasm).then(
      () => null,
      (reason: unknown) => reason,
    );
    if (error === null) continue;
    refused++;
    t.true(isAppError(error, 'invalid_module'), String(error));
    t.notRegex(String(error), /WebAssembly\.|@\+|fell off|opcode|V8|undefined/);
  }
  t.true(refused > valid.length);
});

test('host calls in a start function can read the memory of the module', async (t) => {
  // (start) log_info(0, 1)
  const wasm = handMade({
    types: [
      [[], []],
      [[I32, I32], []],
    ],
    imports: [{ module: 'env', name: 'log_info', description: [FUNCTION, 1] }],
    functions: [
      { type: 0, code: [0, 0x41, 0, 0x41, 1, 0x10, 0] },
      { type: 0, code: [0] },
    ],
    memories: [[0, 1]],
    exports: [
      { name: '_start', kind: FUNCTION, index: 2 },
      { name: 'memory', kind: MEMORY, index: 0 },
    ],
    start: 1,
  });
  const outcome = await runText(engine, wasm, '');
  t.is(outcome.error, null);
  t.deepEqual(outcome.log, ['info: \0']);
});

test('names added by the rewriter do not collide with exports of the module', async (t) => {
  const wasm = handMade(
    command({
      exports: [
        { name: '_start', kind: FUNCTION, index: 0 },
        { name: 'memory', kind: MEMORY, index: 0 },
        { name: 'orama0:pages', kind: FUNCTION, index: 0 },
        { name: 'orama1:refused', kind: FUNCTION, index: 0 },
      ],
    }),
  );
  t.is((await runText(engine, wasm, '')).status, 'success');
});

test('memory.grow and memory.size return the same values after rewriting as before', (t) => {
  // run(pages) = memory.grow(pages); size() = memory.size
  const wasm = handMade({
    types: [
      [[I32], [I32]],
      [[], [I32]],
      [[], []],
    ],
    functions: [
      { type: 0, code: [0, 0x20, 0, 0x40, 0] },
      { type: 1, code: [0, 0x3f, 0] },
      { type: 2, code: [0] },
    ],
    memories: [[1, 2, 10]],
    exports: [
      { name: 'run', kind: FUNCTION, index: 0 },
      { name: 'size', kind: FUNCTION, index: 1 },
      { name: '_start', kind: FUNCTION, index: 2 },
      { name: 'memory', kind: MEMORY, index: 0 },
    ],
  });
  const steps = [0, 1, 0, 3, 100, -1, 2, 2 ** 31 - 1, 1, 1, 1, 0];
  const play = (module: WebAssembly.Module) => {
    const { run, size } = new WebAssembly.Instance(module).exports as Record<string, (n?: number) => number>;
    return steps.map((step) => [run?.(step), size?.()]);
  };
  const module = parse(wasm);
  const rewritten = rewrite(module, { maxPages: 1024, scan: scan(module) });
  t.deepEqual(play(compile(rewritten)), play(new WebAssembly.Module(wasm)));
});

test('a check for interrupts precedes each instruction of variable length, and none of a short one', async (t) => {
  const checks = async (instruction: string) => {
    const wasm = await assemble(`(module (memory (export "memory") 1) (table 9 funcref)
      (func (export "_start") (local i32) ${instruction}))`);
    const { sites } = scan(parse(wasm)) ?? {};
    return sites?.filter(({ op }) => op === 'check').length;
  };
  t.is(await checks('(memory.fill (i32.const 0) (i32.const 0) (local.get 0))'), 1);
  t.is(await checks('(memory.copy (i32.const 0) (i32.const 0) (i32.const 1025))'), 1);
  t.is(await checks('(memory.copy (i32.const 0) (i32.const 0) (i32.const 1024))'), 0);
  t.is(await checks('(memory.copy (i32.const 0) (i32.const 0) (i32.add (i32.const 9) (i32.const 9)))'), 1);
  t.is(await checks('(table.copy (i32.const 0) (i32.const 0) (local.get 0))'), 1);
  t.is(await checks('(drop (table.grow 0 (ref.null func) (local.get 0)))'), 1);
});

test('a module with instructions that the engine does not know is refused, because it could not be stopped', (t) => {
  const module = parse(handMade(command({ functions: [{ type: 0, code: [0, 0xff] }] })));
  t.is(scan(module), null);
  t.throws(() => rewrite(module, { maxPages: 1024, scan: null }), {
    code: 'invalid_module',
    message: /has an instruction that the engine does not know; build it for WebAssembly 2\.0/,
  });
});

test('rewriting keeps every export of real modules', async (t) => {
  for (const source of ['kitchen.c', 'kitchen.rs', 'kitchen.go', 'kitchen.as.ts', 'kitchen.reactor.go']) {
    const wasm = await guest(source);
    const module = parse(wasm);
    t.not(scan(module), null, source);
    const before = module.exports.map(({ name }) => name);
    const after = parse(rewrite(module, { maxPages: 1024, scan: scan(module), exportGlobals: true }).bytes);
    t.deepEqual(after.exports.map(({ name }) => name).slice(0, before.length), before);
    t.true(after.exports.every(({ name }) => before.includes(name) || name.startsWith('orama0:')));
    t.notThrows(() => createFreshProgram(readSource(wasm, 64)));
  }
});

test('mutated modules are either accepted or refused with a typed error', async (t) => {
  for (const source of ['copy.c', 'kitchen.as.ts', 'kitchen.reactor.c']) {
    const wasm = await guest(source);
    for (let seed = 1; seed <= 400; seed++) t.is(fuzzModule(wasm, seed), null, `${source}, seed ${seed}`);
  }
});
