import { execFile, spawnSync } from 'node:child_process';
import { cpSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { startClientEngine } from '../helpers/client-engine.js';
import { codeBlocks } from '../helpers/readme.js';
import { shared } from '../helpers/shared.js';
import { tempDir } from '../helpers/temp-dir.js';

const run = promisify(execFile);
const client = resolve('clients/python');
const started = shared(startClientEngine);
const home = tempDir();

const succeeds = (code: string) => spawnSync('python3', ['-c', code]).status === 0;
const hasPython = succeeds('import sys; sys.exit(sys.version_info < (3, 9))');
const pythonTest = hasPython ? test : test.skip;
const wheelTest = hasPython && succeeds('import pip, setuptools, wheel') ? test : test.skip;

async function environment() {
  const { env } = await started();
  return { ...process.env, ...env, PYTHONPATH: join(client, 'src'), PYTHONDONTWRITEBYTECODE: '1' };
}

pythonTest('the Python client passes its tests against an engine (needs Python 3.9)', async (t) => {
  t.timeout(300_000);
  const args = ['-W', 'error', '-m', 'unittest', 'discover', '-s', 'tests'];
  const { stderr } = await run('python3', args, { cwd: client, env: await environment() });
  t.regex(stderr, /^OK$/m);
  t.notRegex(stderr, /skipped/);
});

for (const [at, example] of codeBlocks('clients/python/README.md', 'python').entries()) {
  pythonTest(`example ${at + 1} of the Python client’s README runs (needs Python 3.9)`, async (t) => {
    const { stdout } = await run('python3', ['-c', example], { env: await environment() });
    if (at === 0) {
      t.regex(stdout, /^\{'name': 'Ada', 'id': 9007199254740993\} 1 [0-9a-f-]{36}\nsuccess /);
      t.regex(stdout, /^function_not_found 404 /m);
    } else {
      t.is(stdout, "{'id': 7}\n");
    }
  });
}

wheelTest(
  'the Python client is built as a wheel with its types and licence (needs setuptools)',
  async (t) => {
    const copy = join(home, 'python');
    cpSync(client, copy, { recursive: true });
    const args = ['-m', 'pip', 'wheel', '--no-deps', '--no-build-isolation', '--no-index', '-w', home, copy];
    await run('python3', args, { cwd: home });
    const [wheel = ''] = readdirSync(home).filter((name) => name.endsWith('.whl'));
    t.is(wheel, 'orama_functions_client-0.1.0-py3-none-any.whl');
    const { stdout } = await run('python3', ['-m', 'zipfile', '-l', join(home, wheel)]);
    for (const file of ['__init__.py', '_shapes.py', 'py.typed']) {
      t.true(stdout.includes(`orama_functions_client/${file}`), file);
    }
    t.regex(stdout, /dist-info\/(licenses\/)?LICENSE/);
  },
);
