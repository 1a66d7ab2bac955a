import test from 'ava';
import { WASM_PAGE_BYTES } from '../../src/contract/limits.js';
import { concat, i32Const, name, section } from '../../workers/wasm/binary/writer.js';
import { Guest } from '../../workers/wasm/run/guest.js';
import { HOST_IMPORTS, WASI_IMPORTS, WASI_MODULE } from '../../workers/wasm/run/imports.js';
import { createRunner } from '../../workers/wasm/run/runner.js';
import { readSource } from '../../workers/wasm/warm/source.js';
import { createReactorProgram } from '../../workers/wasm/warm/warm-program.js';
import { sandboxRun } from '../helpers/sandbox-run.js';
import { FUNCTION, handMade, I32, I64, MEMORY } from '../helpers/wasm.js';

const BYTES = 2 * WASM_PAGE_BYTES;
const FILL = 0x5a;
const INPUT_AT = 16;
/** Addresses to which the functions write, far enough apart to have different dirty cards. */
const ONE = 30_000;
const TWO = 50_000;
/** Address of a pointer and a length, for functions that take a vector. */
const VECTOR = 60_000;
const END = 0x0b;

const i64Const = (value: number) => [0x42, ...i32Const(value).subarray(1)];

/**
 * Creates a reactor that appears to be built by Go. It calls the function if its input is not
 * empty, and returns its whole memory.
 */
function asking(module: string, imported: string, args: readonly number[]): Uint8Array {
  const type =
    (module === WASI_MODULE ? WASI_IMPORTS.get(imported) : HOST_IMPORTS.get(imported)?.type) ?? null;
  if (type === null) throw new Error(`there is no ${imported}`);
  const given = args.flatMap((arg, index) =>
    type.params[index] === I64 ? i64Const(arg) : [...i32Const(arg)],
  );
  const store = (at: number, value: number) => [...i32Const(at), ...i32Const(value), 0x36, 2, 0];
  const made = handMade({
    types: [
      [[I32, I32], [I64]],
      [[I32], [I32]],
      [[], []],
      [[...type.params], [...type.results]],
    ],
    imports: [{ module, name: imported, description: [0, 3] }],
    functions: [
      // if (length) drop the result of the call; return BYTES << 32
      {
        type: 0,
        code: [
          0,
          0x20,
          1,
          0x04,
          0x40,
          ...given,
          0x10,
          0,
          0x1a,
          END,
          ...i64Const(BYTES),
          ...i64Const(32),
          0x86,
        ],
      },
      { type: 1, code: [0, ...i32Const(INPUT_AT)] },
      {
        type: 2,
        code: [
          ...[0, ...i32Const(0), ...i32Const(FILL), ...i32Const(BYTES), 0xfc, 11, 0],
          ...[...store(VECTOR, ONE), ...store(VECTOR + 4, 40)],
        ],
      },
    ],
    memories: [[0, 2]],
    exports: [
      { name: 'handle', kind: FUNCTION, index: 1 },
      { name: 'orama_alloc', kind: FUNCTION, index: 2 },
      { name: '_initialize', kind: FUNCTION, index: 3 },
      { name: 'memory', kind: MEMORY, index: 0 },
    ],
  });
  return concat([made, section(0, name('go:buildid'))]);
}

const CALLS: [module: string, name: string, args: number[], writesAt: number[]][] = [
  [WASI_MODULE, 'args_sizes_get', [ONE, TWO], [ONE, TWO]],
  [WASI_MODULE, 'args_get', [ONE, TWO], [ONE, TWO]],
  [WASI_MODULE, 'environ_sizes_get', [ONE, TWO], [ONE, TWO]],
  [WASI_MODULE, 'clock_res_get', [0, ONE], [ONE]],
  [WASI_MODULE, 'clock_time_get', [0, 0, ONE], [ONE]],
  [WASI_MODULE, 'fd_fdstat_get', [1, ONE], [ONE, ONE + 8]],
  [WASI_MODULE, 'fd_filestat_get', [1, ONE], [ONE, ONE + 63]],
  [WASI_MODULE, 'random_get', [ONE, 20_000], [ONE, ONE + 19_990]],
  [WASI_MODULE, 'fd_read', [0, VECTOR, 1, TWO], [ONE, TWO]],
  [WASI_MODULE, 'fd_write', [2, VECTOR, 1, TWO], [TWO]],
  [WASI_MODULE, 'poll_oneoff', [VECTOR + 8, ONE, 1, TWO], [ONE + 16, TWO]],
  ['env', 'get_request_id_into', [ONE, 100], [ONE]],
  ['env', 'get_request_id', [], [INPUT_AT]],
];

for (const [module, imported, args, writesAt] of CALLS) {
  test(`memory written by ${imported} is restored after the run`, (t) => {
    const program = createReactorProgram(readSource(asking(module, imported, args), 1), 'asking');
    t.true(program.tableBytes > 0);
    const guest = new Guest();
    const runner = createRunner(program, guest);
    const run = (input: string) => {
      const { output, error } = sandboxRun(guest, runner, new TextEncoder().encode(input));
      t.is(error, null);
      return Buffer.from(output);
    };
    const untouched = run('');
    const written = run('some input that is not empty');
    for (const at of writesAt) {
      const part = written.subarray(at, at + 8);
      t.false(part.equals(untouched.subarray(at, at + 8)), `at ${at}`);
    }
    t.true(run('').equals(untouched));
  });
}
