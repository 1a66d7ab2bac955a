import { spawn } from 'node:child_process';
import test from 'ava';
import pMap from 'p-map';
import { hostileReply } from '../helpers/hostile-replies.js';
import { forbiddenIn, HOSTILE } from '../helpers/hostile-text.js';
import { httpServer } from '../helpers/http-server.js';
import { tempDir } from '../helpers/temp-dir.js';
import { makeProject, SHOWING, unlistedCommands } from './every-command.js';

const home = tempDir();
const CLI = `${process.cwd()}/dist/app/orama.js`;
/** Makes the process believe that its streams are terminals, so that it prints as for a person. */
const TERMINAL = `data:text/javascript,${encodeURIComponent(
  'for (const stream of [process.stdin, process.stdout, process.stderr]) stream.isTTY = true;',
)}`;
/** What the CLI itself and Node's prompts write: colours, and the line that is redrawn in place. */
const OWN = new RegExp(`\\r?${String.fromCharCode(27)}\\[(?:(?:2|22|31|32|33|36|39)m|2K|\\d+G|0J)`, 'g');
const ESCAPED = '\\x1b]0;title\\x07';

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
  makeProject(home);
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
  t.deepEqual(unlistedCommands(), []);
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
