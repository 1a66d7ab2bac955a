import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { findTool } from '../../src/cli/build/run-tool.js';
import { candidates } from '../../src/cli/completion/candidates.js';
import type { Shell } from '../../src/cli/completion/scripts.js';
import { createProgram } from '../../src/cli/program.js';
import { runCli } from '../helpers/cli.js';
import { httpServer } from '../helpers/http-server.js';
import { notRun } from '../helpers/not-run.js';
import { tempDir } from '../helpers/temp-dir.js';
import { anAnswerLike } from '../helpers/tries.js';

const home = tempDir();
const run = promisify(execFile);

const complete = async (...words: string[]) => {
  const found = await candidates(createProgram(), words, async (kind) => [`a-${kind}`, `b-${kind}`]);
  return found.map(({ value }) => value);
};

test('completion finds commands by prefix, also below aliases', async (t) => {
  t.deepEqual(await complete('func'), ['function']);
  t.deepEqual(await complete('fn', 'roll'), ['rollback', 'rollout']);
  t.deepEqual(await complete('inv', ''), ['list', 'get', 'cancel', 'replay', 'help']);
  t.true((await complete('')).includes('doctor'));
});

test('completion finds options and the values of options with choices', async (t) => {
  t.deepEqual(await complete('function', 'list', '--out'), ['--output']);
  t.deepEqual(await complete('function', 'list', '--output', ''), ['table', 'json', 'ndjson']);
  t.deepEqual(await complete('init', 'x', '--lang', 'j'), ['javascript']);
  t.deepEqual(await complete('completion', ''), ['bash', 'zsh', 'fish']);
  t.deepEqual(await complete('keys', 'create', '--expires', ''), []);
});

test('completion finds names of functions, secrets, stages and project functions where a command takes one', async (t) => {
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
    ...{ warm_start_reason: null, created_at: '', updated_at: '', created_by: '', created_by_name: null },
  }));
  return httpServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ functions, count: 2 }));
  });
}

/**
 * Runs a real shell with the program and an engine. Without the shell, the test passes with a note
 * in its title.
 */
function inShell(
  shell: Shell,
  title: string,
  run: (t: ExecutionContext, setUp: SetUp) => Promise<void>,
): void {
  if (findTool(shell) === undefined) {
    notRun(`${shell}: not found, completion not run: ${title}`);
    return;
  }
  test(title, async (t) => {
    t.timeout(240_000);
    const server = await engine();
    t.teardown(server.close);
    const directory = join(home, shell);
    const bin = join(directory, 'bin');
    mkdirSync(bin, { recursive: true });
    symlinkSync(resolve('dist/app/orama.js'), join(bin, 'orama'));
    const script = (await runCli(['completion', shell], { home })).stdout;
    const env = {
      PATH: `${bin}:${process.env.PATH}`,
      ...{ HOME: directory, ORAMA_URL: server.url, ORAMA_API_KEY: 'k', TERM: 'dumb' },
    };
    await run(t, { directory, script, env });
  });
}

interface SetUp {
  directory: string;
  script: string;
  env: Record<string, string>;
}

inShell(
  'bash',
  'in bash the Tab key completes commands, options and names of functions on the engine',
  async (t, { directory, script, env }) => {
    const file = join(directory, 'orama.bash');
    writeFileSync(file, script);
    const tab = async (line: string) => {
      const words = line.split(/ +/);
      const session = `source "$1"; COMP_LINE="$2"; COMP_POINT=\${#2}; shift 2
      COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); _orama; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const { stdout } = await run('bash', ['-c', session, 'bash', file, line, ...words], {
        env,
        cwd: directory,
      });
      return stdout.split('\n').filter((one) => one !== '');
    };
    // The engine has a second to answer, in which a busy machine may do something else.
    const names = ['hello', 'help-desk'];
    t.deepEqual(await anAnswerLike(names, () => tab('orama function invoke hel')), names);
    t.deepEqual(await tab('orama function roll'), ['rollback', 'rollout']);
    t.deepEqual(await tab('orama function list --output '), ['table', 'json', 'ndjson']);
  },
);

/** Typed text, with a tab for the Tab key, and the resulting line. */
const TYPED: readonly [string, string][] = [
  ['orama function invoke hel\t', 'orama function invoke hello'],
  ['orama function invoke hel\t\t', 'orama function invoke help-desk'],
  ['orama function rollb\t', 'orama function rollback'],
  ['orama function list --output n\t', 'orama function list --output ndjson'],
  ['orama function build some\t', 'orama function build somewhere/'],
];

inShell(
  'zsh',
  'in zsh the Tab key completes commands, options, names of functions on the engine, and else files',
  async (t, setUp) => {
    const { directory, script, env } = setUp;
    mkdirSync(join(directory, 'somewhere'));
    const functions = join(directory, 'functions');
    mkdirSync(functions);
    // As documented in docs/cli.md: a file of this name in a directory of fpath.
    writeFileSync(join(functions, '_orama'), script);
    writeFileSync(
      join(directory, '.zshrc'),
      `PS1='READY> '
fpath=(${functions} $fpath)
autoload -Uz compinit && compinit -u -D
setopt menu_complete
keep() { print -r -- "$BUFFER" >> ${directory}/lines; BUFFER= }
zle -N keep
bindkey '^T' keep
`,
    );
    const keys = TYPED.map(([typed]) => `${typed}\x14`).join('');
    const session = `zmodload zsh/zpty
zpty shell zsh -i
zpty -r shell said '*READY> *'
zpty -n -w shell "$1"
zpty -w shell exit
while zpty -r shell said; do :; done`;
    const typed = async () => {
      rmSync(join(directory, 'lines'), { force: true });
      await run('zsh', ['-f', '-c', session, 'zsh', keys], {
        env: { ...env, ZDOTDIR: directory },
        cwd: directory,
      });
      const lines = readFileSync(join(directory, 'lines'), 'utf8').trimEnd().split('\n');
      return lines.map((line) => line.trimEnd());
    };
    const expected = TYPED.map(([, line]) => line);
    t.deepEqual(await anAnswerLike(expected, typed), expected);
  },
);

inShell(
  'fish',
  'in fish the Tab key completes commands, options, names of functions on the engine, and else files',
  async (t, setUp) => {
    const { directory, script, env } = setUp;
    mkdirSync(join(directory, 'somewhere'));
    const completions = join(directory, '.config', 'fish', 'completions');
    mkdirSync(completions, { recursive: true });
    // As documented in docs/cli.md: fish reads the file when the command is first completed.
    writeFileSync(join(completions, 'orama.fish'), script);
    const tab = async (line: string) => {
      const session = 'complete --do-complete $argv[1]';
      const { stdout } = await run('fish', ['-c', session, line], { env, cwd: directory });
      return stdout.split('\n').filter((one) => one !== '');
    };
    const names = ['hello', 'help-desk'];
    t.deepEqual(await anAnswerLike(names, () => tab('orama function invoke hel')), names);
    const rolls = await tab('orama function roll');
    t.deepEqual(rolls.map((one) => one.split('\t', 1)[0]).sort(), ['rollback', 'rollout']);
    t.regex(rolls[0] ?? '', /\t\w+/, 'with a description');
    t.deepEqual(await tab('orama function list --output n'), ['ndjson']);
    t.deepEqual(await tab('orama function build some'), ['somewhere/']);
  },
);

test('completion with an unreachable engine returns no names and exits with 0', async (t) => {
  const env = { ORAMA_URL: 'http://127.0.0.1:2' };
  const asked = await runCli(['__complete', 'function', 'invoke', ''], { home, env });
  t.deepEqual(asked, { code: 0, stdout: '', stderr: '' });
});
