import { execFile, spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { startClientEngine } from '../helpers/client-engine.js';
import { codeBlocks } from '../helpers/readme.js';
import { sameBytes } from '../helpers/same-bytes.js';
import { shared } from '../helpers/shared.js';
import { tempDir } from '../helpers/temp-dir.js';

const run = promisify(execFile);
const client = resolve('clients/python');
const started = shared(startClientEngine);
const home = tempDir();

const succeeds = (code: string) => spawnSync('python3', ['-c', code]).status === 0;
const hasPython = succeeds('import sys; sys.exit(sys.version_info < (3, 9))');
const pythonTest = hasPython ? test : test.skip;
/** Its build backend reads pyproject.toml with the standard library of 3.11. */
const wheelTest = succeeds('import pip, tomllib') ? test : test.skip;

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
  pythonTest(`README example ${at + 1} of the Python client runs (needs Python 3.9)`, async (t) => {
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
  'the Python client is built and installed without setuptools or a registry (needs pip)',
  async (t) => {
    const copy = join(home, 'python');
    cpSync(client, copy, { recursive: true });
    const alone = { ...process.env, PIP_NO_INDEX: '1', PIP_DISABLE_PIP_VERSION_CHECK: '1' };
    const pip = (...args: string[]) => run('python3', ['-m', 'pip', ...args], { cwd: home, env: alone });
    // In an isolated environment without setuptools, as pip builds by default.
    await pip('wheel', '--no-deps', '-w', home, copy);
    const [wheel = ''] = readdirSync(home).filter((name) => name.endsWith('.whl'));
    t.regex(wheel, /^orama_functions_client-[\w.]+-py3-none-any\.whl$/);
    const built = readFileSync(join(home, wheel));
    await run('python3', [join(copy, 'build_backend.py'), join(home, 'again')]);
    sameBytes(t, readFileSync(join(home, 'again', wheel)), built);

    const target = join(home, 'installed');
    await pip('install', '--no-deps', '--target', target, join(home, wheel));
    const files = readdirSync(target, { recursive: true }).map(String);
    for (const file of ['__init__.py', '_shapes.py', 'py.typed']) {
      t.true(files.includes(join('orama_functions_client', file)), file);
    }
    t.true(files.some((file) => file.endsWith('dist-info/licenses/LICENSE')));
    const said = await run(
      'python3',
      [
        '-c',
        "import importlib.metadata, orama_functions_client as o; print(o.Client.__name__, importlib.metadata.metadata('orama-functions-client')['License'])",
      ],
      { env: { ...process.env, PYTHONPATH: target } },
    );
    t.is(said.stdout, 'Client Apache-2.0\n');
    // Like `python -m build`: the wheel is built from the sdist.
    const [sdist = ''] = readdirSync(join(home, 'again')).filter((name) => name.endsWith('.tar.gz'));
    const fromSource = join(home, 'from-source');
    await pip('wheel', '--no-deps', '-w', fromSource, join(home, 'again', sdist));
    sameBytes(t, readFileSync(join(fromSource, wheel)), built);
  },
);
