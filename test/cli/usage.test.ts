import { resolve } from 'node:path';
import test from 'ava';
import { runCli } from '../helpers/cli.js';
import { tempDir } from '../helpers/temp-dir.js';

const home = tempDir();
// No process listens on port 2.
const env = { ORAMA_URL: 'http://127.0.0.1:2' };

test('--help and --version exit with 0', async (t) => {
  const help = await runCli(['function', '--help'], { home });
  t.is(help.code, 0);
  for (const name of ['init', 'build', 'deploy', 'invoke', 'list', 'get', 'delete', 'logs', 'versions']) {
    t.regex(help.stdout, new RegExp(`^  ${name}\\b`, 'm'));
  }
  for (const name of ['rollback', 'secrets', 'triggers', 'dead', 'dev', 'publish']) {
    t.regex(help.stdout, new RegExp(`^  ${name}\\b`, 'm'));
  }
  const version = await runCli(['--version'], { home });
  t.is(version.code, 0);
  t.regex(version.stdout, /^\d+\.\d+\.\d+\n$/);
});

const WRONG: [title: string, args: string[], says: RegExp][] = [
  ['no command', ['function'], /Usage: orama function/],
  ['an unknown command', ['function', 'lst'], /unknown command 'lst'[\s\S]*list/],
  ['an unknown option', ['function', 'list', '--jsn'], /unknown option '--jsn'[\s\S]*--json/],
  ['a missing argument', ['function', 'invoke'], /missing required argument 'name'/],
  ['an unknown language', ['function', 'init', 'x', '--lang', 'cobol'], /Allowed choices are typescript, /],
  [
    'a version that is not a number',
    ['function', 'invoke', 'x', '--version', 'two'],
    /whole number from 1 to 999999999/,
  ],
  ['a limit of 0', ['function', 'logs', 'x', '--limit', '0'], /whole number from 1 to 1000/],
  ['an invalid time', ['function', 'logs', 'x', '--since', 'soon'], /2h/],
  ['a delay without --async', ['function', 'invoke', 'x', '--delay', '5'], /--delay goes with --async/],
  ['a trigger without a topic or schedule', ['function', 'triggers', 'add', 'x'], /--topic or --cron/],
  ['a secret without a value', ['function', 'secrets', 'set', 'X'], /either a value .* or --from-file/],
  [
    'a message together with a batch',
    ['function', 'publish', 'x', '--data', '1', '--batch', '-'],
    /'--batch <ndjson>' cannot be used with option '-d, --data <json>'/,
  ],
  [
    'a percentage without a number',
    ['function', 'rollout', 'x', '--to', '2', '--max-errors', '%'],
    /percentage from 0 to 100/,
  ],
  ['a delete without a terminal or --force', ['function', 'delete', 'x'], /--force/],
  [
    'a key with two names',
    ['keys', 'create', 'ci', '--name', 'deploys'],
    /the name of the key once, as an argument or with --name/,
  ],
  [
    'a batch that is the name of a file',
    ['function', 'publish', 'x', '--batch', resolve('package.json')],
    /write @.*package\.json/,
  ],
  [
    'an unknown option of a command in a group',
    ['invocations', 'list', '--jsn'],
    /See how it is used with: orama invocations list --help/,
  ],
  ['an unknown command of a group', ['keys', 'mak'], /See how it is used with: orama keys --help/],
  ['a login without a terminal or --api-key', ['login'], /--api-key/],
];

for (const [title, args, says] of WRONG) {
  test(`${title} exits with 2, the reason on stderr and nothing on stdout`, async (t) => {
    const run = await runCli(args, { home, env });
    t.is(run.code, 2, run.stderr);
    t.regex(run.stderr, says);
    t.is(run.stdout, '');
  });
}

/** Makes the process believe that its streams are terminals. */
const TERMINAL = `data:text/javascript,${encodeURIComponent(
  'for (const stream of [process.stdin, process.stdout, process.stderr]) stream.isTTY = true;',
)}`;

for (const [key, code] of [
  ['Ctrl+C', '\x03'],
  ['Ctrl+D', '\x04'],
] as const) {
  test(`${key} at a prompt stops the command in one line`, async (t) => {
    const terminal = { ...env, NODE_OPTIONS: `--import ${TERMINAL}` };
    for (const args of [['function', 'delete', 'x'], ['login']]) {
      const run = await runCli(args, { home, env: terminal, stdin: code });
      t.is(run.code, 1);
      t.regex(run.stderr, /\nerror: Stopped\n$/);
      t.notRegex(run.stderr, /fault of orama/);
    }
  });
}

test('an unreachable engine exits with 1 and a hint on how to start one', async (t) => {
  const run = await runCli(['function', 'list'], { home, env });
  t.is(run.code, 1);
  t.is(
    run.stderr,
    'error: No engine answers at http://127.0.0.1:2\n' +
      'Start an engine with "orama up", or name another with --url or ORAMA_URL.\n',
  );
});

test('an invalid --url exits with 1 and shows the expected form', async (t) => {
  const run = await runCli(['function', 'list', '--url', 'localhost:4000'], { home });
  t.is(run.code, 1);
  t.regex(run.stderr, /must look like http:\/\/127\.0\.0\.1:4000, not localhost:4000/);
});

test('building a directory without function.yaml exits with 1', async (t) => {
  const run = await runCli(['function', 'build', '.'], { home });
  t.is(run.code, 1);
  t.regex(run.stderr, /There is no function\.yaml in this directory/);
});
