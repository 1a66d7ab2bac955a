import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { Command } from 'commander';
import pMap from 'p-map';
import { createProgram, pathOf } from '../../src/cli/program.js';
import { hostileReply } from '../helpers/hostile-replies.js';
import { forbiddenIn, HOSTILE } from '../helpers/hostile-text.js';
import { httpServer } from '../helpers/http-server.js';
import { tempDir } from '../helpers/temp-dir.js';

const home = tempDir();
const CLI = `${process.cwd()}/dist/app/orama.js`;
const ID = '01890000-0000-7000-8000-000000000000';
/** Makes the process believe that its streams are terminals, so that it prints as for a person. */
const TERMINAL = `data:text/javascript,${encodeURIComponent(
  'for (const stream of [process.stdin, process.stdout, process.stderr]) stream.isTTY = true;',
)}`;
/** What the CLI itself and Node's prompts write: colours, and the line that is redrawn in place. */
const OWN = new RegExp(`\\r?${String.fromCharCode(27)}\\[(?:(?:2|22|31|32|33|36|39)m|2K|\\d+G|0J)`, 'g');
const ESCAPED = '\\x1b]0;title\\x07';

/** Arguments of every command that shows replies of the server; `-f` and the like never end. */
const SHOWING: Record<string, string> = {
  'function deploy': 'fn --no-build',
  'function invoke': 'a --data 1',
  'function list': '',
  'function get': 'a',
  'function delete': 'a --force',
  'function logs': 'a',
  'function versions': 'a',
  'function rollback': 'a 1',
  'function alias set': 'a live 1',
  'function alias list': 'a',
  'function alias delete': 'a live',
  'function rollout start': 'a --to 1',
  'function rollout status': 'a',
  'function rollout abort': 'a',
  'function secrets set': 'A b',
  'function secrets list': '',
  'function secrets delete': 'A --force',
  'function triggers add': 'a --topic b',
  'function triggers list': 'a',
  'function triggers pause': 'a b',
  'function triggers resume': 'a b',
  'function triggers run': 'a b',
  'function triggers delete': 'a b',
  'function dead list': '',
  'function dead show': ID,
  'function dead replay': 'a',
  'function dead purge': 'a --force',
  'function publish': 'a --data 1',
  'function pull': `${ID} --no-run`,
  invoke: 'a --async',
  logs: 'a --follow',
  deploy: '--no-build --prune',
  console: '',
  'invocations list': '',
  'invocations get': ID,
  'invocations cancel': ID,
  'invocations replay': ID,
  login: '--api-key ak_x:default',
  'keys create': 'a',
  'keys list': '',
  'keys revoke': 'a',
  'namespaces usage': '--namespace a',
  'namespaces quota': 'keys 1',
  status: '',
  doctor: '',
  audit: '',
};
/** Commands that show a row for each thing, of which a text must not make another. */
const OF_ROWS = new Set([
  ...['function list', 'function get', 'function logs', 'function versions', 'function alias list'],
  ...['function secrets list', 'function triggers list', 'function dead list', 'function dead show'],
  ...[
    'logs',
    'invocations list',
    'invocations get',
    'keys list',
    'namespaces usage',
    'status',
    'doctor',
    'audit',
  ],
]);
/** Commands that show nothing of a server that is not their own. */
const LOCAL = [
  ...['function init', 'function build', 'function dev', 'init', 'build', 'dev', 'up'],
  ...['admin rotate-secrets-key', 'completion', 'help'],
];

function leaves(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}

/**
 * Runs the CLI as on a terminal. Ends it after a minute, much longer than it takes on a busy
 * machine.
 */
async function onTerminal(args: readonly string[], url: string, stdin = '') {
  const child = spawn(process.execPath, ['--import', TERMINAL, CLI, ...args], {
    cwd: home,
    env: {
      ...{ PATH: process.env.PATH, HOME: home, ORAMA_URL: url, ORAMA_API_KEY: 'ak_x:default' },
      FORCE_COLOR: '1',
    },
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      out += part;
      // A log that is followed never ends by itself.
      if (args.includes('--follow') && out.includes(ESCAPED)) child.kill('SIGKILL');
    });
  }
  child.stdin.on('error', () => undefined);
  child.stdin.end(stdin);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, out: out.replace(OWN, '').replaceAll('\r\n', '\n'), raw: out };
}

test('control characters in replies of a server are escaped by every command that prints replies', async (t) => {
  t.timeout(300_000);
  mkdirSync(join(home, 'fn'));
  writeFileSync(join(home, 'orama.yaml'), 'functions: [fn]');
  writeFileSync(join(home, 'fn', 'function.yaml'), 'name: fn');
  writeFileSync(join(home, 'fn', 'function.wasm'), 'x');
  const server = await httpServer((request, response) => {
    request.resume();
    const url = new URL(request.url ?? '', 'http://x');
    const { status, body } = hostileReply(request.method ?? '', url.pathname);
    const isStream = url.searchParams.get('follow') === 'true';
    const [record] = isStream ? JSON.parse(body).logs : [];
    // A header has no control characters but those above U+007F.
    response.setHeader('x-request-id', '\u009b31m\u0085');
    response.setHeader('x-function-version', '1');
    response.setHeader('content-type', isStream ? 'text/event-stream' : 'application/json\u009b31m');
    response.writeHead(status);
    response.end(isStream ? `data: ${JSON.stringify(record)}\n\n` : body);
  });
  t.teardown(server.close);
  const commands = leaves(createProgram()).map(pathOf);
  t.deepEqual(
    commands.filter((path) => !(path in SHOWING) && !LOCAL.includes(path)),
    [],
  );
  const showing: string[] = [];
  await pMap(
    Object.entries(SHOWING),
    async ([path, args]) => {
      const words = `${path} ${args}`.trim().split(' ');
      const { out } = await onTerminal(words, server.url);
      t.deepEqual(forbiddenIn(out), [], `${path}: ${JSON.stringify(out.slice(0, 2000))}`);
      if (OF_ROWS.has(path)) t.notRegex(out, /^forged/m, path);
      if (out.includes(ESCAPED)) showing.push(path);
    },
    { concurrency: 4 },
  );
  // The others show only names, numbers and states, of which a client takes no others.
  t.true(showing.length >= 25, `${showing}`);
});

test('a confirmation prompt escapes control characters in names, and any answer but yes sends no request', async (t) => {
  let requests = 0;
  const server = await httpServer((_request, response) => {
    requests += 1;
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"message":"done"}');
  });
  t.teardown(server.close);
  const name = HOSTILE.slice(1);
  for (const line of ['function delete', 'function secrets delete', 'function dead purge']) {
    const { out } = await onTerminal([...line.split(' '), name], server.url, 'no\n');
    t.deepEqual(forbiddenIn(out), [], `${line}: ${JSON.stringify(out)}`);
    t.true(out.includes(ESCAPED), out);
    t.is(requests, 0, line);
  }
  const yes = await onTerminal(['function', 'secrets', 'delete', 'A'], server.url, 'y\n');
  t.regex(yes.out, /done/);
  t.is(requests, 1);
});

test('the prompt for a key escapes control characters in the address and does not show the key', async (t) => {
  const server = await httpServer((_request, response) => {
    response.writeHead(401, { 'content-type': 'application/json' }).end(`{"error":"no"}`);
  });
  t.teardown(server.close);
  const key = `ak_${'k'.repeat(24)}:default`;
  const address = `${server.url}/${HOSTILE.slice(1)}`;
  const { out, raw } = await onTerminal(['login', '--url', address], server.url, `${key}\n`);
  t.deepEqual(forbiddenIn(out), [], JSON.stringify(out));
  t.true(out.includes(`API key for ${server.url}`), out);
  t.true(out.includes(ESCAPED), out);
  t.false(raw.includes(key));
});
