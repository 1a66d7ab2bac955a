import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { findTool } from '../../src/cli/build/run-tool.js';
import { candidates } from '../../src/cli/completion/candidates.js';
import { createProgram } from '../../src/cli/program.js';
import { runCli } from '../helpers/cli.js';
import { httpServer } from '../helpers/http-server.js';
import { tempDir } from '../helpers/temp-dir.js';

const home = tempDir();
const run = promisify(execFile);

const complete = async (...words: string[]) => {
  const found = await candidates(createProgram(), words, async (kind) => [`a-${kind}`, `b-${kind}`]);
  return found.map(({ value }) => value);
};

test('commands are completed by what they begin with, below aliases too', async (t) => {
  t.deepEqual(await complete('func'), ['function']);
  t.deepEqual(await complete('fn', 'roll'), ['rollback', 'rollout']);
  t.deepEqual(await complete('inv', ''), ['list', 'get', 'cancel', 'replay', 'help']);
  t.true((await complete('')).includes('doctor'));
});

test('options, and the values of those that have choices, are completed', async (t) => {
  t.deepEqual(await complete('function', 'list', '--out'), ['--output']);
  t.deepEqual(await complete('function', 'list', '--output', ''), ['table', 'json', 'ndjson']);
  t.deepEqual(await complete('init', 'x', '--lang', 'j'), ['javascript']);
  t.deepEqual(await complete('completion', ''), ['bash', 'zsh', 'fish']);
  t.deepEqual(await complete('keys', 'create', '--expires', ''), []);
});

test('names are completed where a function, a secret, a stage or a function of the project is meant', async (t) => {
  const functions = ['a-function', 'b-function'];
  t.deepEqual(await complete('function', 'invoke', ''), functions);
  t.deepEqual(await complete('invoke', 'b'), ['b-function']);
  t.deepEqual(await complete('logs', '--follow', ''), functions);
  t.deepEqual(await complete('logs', '--limit', '5', ''), functions);
  t.deepEqual(await complete('function', 'rollout', 'status', ''), functions);
  t.deepEqual(await complete('invocations', 'list', '--function', ''), functions);
  t.deepEqual(await complete('function', 'secrets', 'delete', ''), ['a-secret', 'b-secret']);
  t.deepEqual(await complete('deploy', '--stage', ''), ['a-stage', 'b-stage']);
  t.deepEqual(await complete('deploy', 'a-project-function', 'b'), ['b-project-function']);
  t.deepEqual(await complete('function', 'secrets', 'set', ''), []);
  t.deepEqual(await complete('function', 'versions', 'hello', ''), []);
});

async function engine() {
  const functions = ['hello', 'help-desk'].map((name) => ({
    ...{
      id: name,
      name,
      namespace: 'ns',
      version: 1,
      wasm_cid: 'b',
      memory_limit_mb: 64,
      timeout_seconds: 30,
    },
    ...{ is_public: false, retry_count: 0, retry_delay_seconds: 5, status: 'active', warm_start: 'fresh' },
    ...{ warm_start_reason: null, created_at: '', updated_at: '', created_by: '' },
  }));
  return httpServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ functions, count: 2 }));
  });
}

const bash = findTool('bash') === undefined ? test.skip : test;
bash('in bash, the key Tab asks the program and the engine', async (t) => {
  const server = await engine();
  t.teardown(server.close);
  const bin = join(home, 'bin');
  mkdirSync(bin);
  symlinkSync(resolve('dist/app/orama.js'), join(bin, 'orama'));
  chmodSync('dist/app/orama.js', 0o755);
  const file = join(home, 'orama.bash');
  const script = await runCli(['completion', 'bash'], { home });
  writeFileSync(file, script.stdout);
  const env = { PATH: `${bin}:${process.env.PATH}`, HOME: home, ORAMA_URL: server.url, ORAMA_API_KEY: 'k' };
  const tab = async (line: string) => {
    const words = line.split(/ +/);
    const session = `source "$1"; COMP_LINE="$2"; COMP_POINT=\${#2}; shift 2
      COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); _orama; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = await run('bash', ['-c', session, 'bash', file, line, ...words], { env, cwd: home });
    return stdout.split('\n').filter((one) => one !== '');
  };
  t.deepEqual(await tab('orama function invoke hel'), ['hello', 'help-desk']);
  t.deepEqual(await tab('orama function roll'), ['rollback', 'rollout']);
  t.deepEqual(await tab('orama function list --output '), ['table', 'json', 'ndjson']);
});

test('an engine that does not answer completes no names, and is no error', async (t) => {
  const env = { ORAMA_URL: 'http://127.0.0.1:2' };
  const asked = await runCli(['__complete', 'function', 'invoke', ''], { home, env });
  t.deepEqual(asked, { code: 0, stdout: '', stderr: '' });
});

for (const shell of ['zsh', 'fish']) {
  const shellTest = findTool(shell) === undefined ? test.skip : test;
  shellTest(`${shell} can read its script`, async (t) => {
    const { stdout } = await runCli(['completion', shell], { home });
    const file = join(home, `orama.${shell}`);
    writeFileSync(file, stdout);
    await t.notThrowsAsync(run(shell, ['-n', file]));
  });
}
