import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import test from 'ava';
import stringWidth from 'string-width';
import { z } from 'zod';
import { renderLog } from '../../src/cli/render-log.js';
import { createTerminal, printable, type Terminal } from '../../src/cli/terminal.js';
import { type LogRecord, logRecordSchema } from '../../src/contract/invocation.js';
import { runCli } from '../helpers/cli.js';
import { FORBIDDEN, forbiddenIn, HOSTILE } from '../helpers/hostile-text.js';
import { httpServer } from '../helpers/http-server.js';
import { tempDir } from '../helpers/temp-dir.js';

const home = tempDir();

/** Returns what is written to stdout and stderr, with or without a terminal. */
async function written(isTTY: boolean, json: boolean, write: (terminal: Terminal) => void) {
  const stdout = Object.assign(new PassThrough(), { isTTY });
  const stderr = Object.assign(new PassThrough(), { isTTY });
  write(createTerminal({ stdin: process.stdin, stdout, stderr }, json ? 'json' : undefined));
  stdout.end();
  stderr.end();
  return (await text(stdout)) + (await text(stderr));
}

const OWN_COLOURS = new RegExp(`${String.fromCharCode(27)}\\[(?:2|22|31|32|33|36|39)m`, 'g');

function record(said: string): LogRecord {
  return logRecordSchema.parse({
    request_id: '0199c5a0-0000-7000-8000-000000000009',
    function: 'hello',
    version: 1,
    trigger: 'http',
    attempt: 1,
    status: 'error',
    started_at: '2026-01-01T00:00:00.000Z',
    duration_ms: 1,
    input_size: 0,
    output_size: 0,
    memory_peak_mb: 1,
    error: said,
    messages: [{ level: 'info', message: said, timestamp: '2026-01-01T00:00:00.000Z' }],
  });
}

for (const isTTY of [true, false]) {
  test(`control characters from guests, servers and users are escaped (${isTTY ? 'terminal' : 'pipe'})`, async (t) => {
    const out = await written(isTTY, false, (terminal) => {
      terminal.line(HOSTILE);
      terminal.line(terminal.colors.red(HOSTILE));
      terminal.progress(HOSTILE);
      terminal.problem(HOSTILE);
      terminal.show({ message: HOSTILE }, z.object({ message: z.string() }), ({ message }) => message);
      terminal.line(terminal.table(['KEY'], [[HOSTILE], [`${HOSTILE}\nforged\trow`]]));
      terminal.line(renderLog(terminal.colors, record(HOSTILE)));
      if (isTTY) terminal.bytes(Buffer.from(HOSTILE));
    });
    const rest = out.replace(OWN_COLOURS, '');
    for (const character of FORBIDDEN) {
      t.false(rest.includes(character), `U+${character.charCodeAt(0).toString(16)}`);
    }
    t.true(rest.includes('\\x1b]0;title\\x07'), 'the escaped text is printed');
    t.true(rest.includes('\\u202egpj.exe'));
  });
}

test('a guest cannot forge a table row, a column or a log record', async (t) => {
  const forged = 'x\n2026-01-01T00:00:00.000Z success http v1 1 ms forged';
  const log = await written(false, false, (terminal) => {
    terminal.line(renderLog(terminal.colors, record(forged)));
  });
  t.false(/^2026.*forged/m.test(log), log);
  const table = await written(false, false, (terminal) => {
    terminal.line(terminal.table(['A', 'B'], [['one\ttwo\nthree', 'four']]));
  });
  t.is(table, 'one two three\tfour\n');
});

test('a guest cannot forge the colour sequences of the CLI', async (t) => {
  const out = await written(true, false, (terminal) => {
    const painted = terminal.colors.red('mine');
    terminal.line(painted);
    terminal.line('\u001b[31mforged\u001b[39m');
  });
  t.true(out.includes('\\x1b[31mforged\\x1b[39m'), out);
});

test('other scripts, emoji, tabs and line breaks are printed unchanged', (t) => {
  const plain = 'Grüße\t世界\nשלום مرحبا 👩‍🚀 é';
  t.is(printable(plain), plain);
});

test('table columns stay aligned next to escaped control characters', async (t) => {
  const out = await written(true, false, (terminal) => {
    terminal.line(
      terminal.table(
        ['A', 'B'],
        [
          ['\u001b[31m', 'x'],
          ['1', 'y'],
        ],
      ),
    );
  });
  const [, first = '', second = ''] = out.replace(OWN_COLOURS, '').split('\n');
  t.is(first.indexOf('x', 6), second.indexOf('y'));
});

test('table columns stay aligned next to wide, combining and invisible characters', async (t) => {
  const cells = ['世界', 'e\u0301', '👩‍🚀', 'a\u200bb', 'ｗｉｄｅ', 'plain'];
  const out = await written(true, false, (terminal) => {
    terminal.line(
      terminal.table(
        ['A', 'B'],
        cells.map((cell) => [cell, '|']),
      ),
    );
  });
  const [, ...rows] = out.replace(OWN_COLOURS, '').trimEnd().split('\n');
  t.deepEqual(
    rows.map((row) => stringWidth(row.slice(0, row.indexOf('|')))),
    cells.map(() => 10),
  );
});

test('JSON output and bytes in a pipe are written unchanged', async (t) => {
  const json = await written(true, true, (terminal) => terminal.show({ a: HOSTILE }, z.unknown(), () => ''));
  t.deepEqual(JSON.parse(json), { a: HOSTILE });
  const bytes = await written(false, false, (terminal) => terminal.bytes(Buffer.from(HOSTILE)));
  t.is(bytes, HOSTILE);
});

test('control characters in error replies of a server are escaped in the output of every command', async (t) => {
  const server = await httpServer((_request, response) => {
    response.writeHead(400, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: HOSTILE, code: HOSTILE }));
  });
  t.teardown(server.close);
  const env = { ORAMA_URL: server.url, ORAMA_API_KEY: 'ak_x:default' };
  const lines = [
    'list',
    'get x',
    'invoke x --data 1',
    'logs x',
    'versions x',
    'secrets list',
    'triggers list x',
    'dead list x',
    'delete x --force',
    'publish x --data 1',
  ].map((line) => ['function', ...line.split(' ')]);
  lines.push(['status'], ['invocations', 'list'], ['keys', 'list'], ['namespaces', 'usage']);
  for (const line of lines) {
    const { code, stdout, stderr } = await runCli(line, { home, env });
    t.is(code, 1, line.join(' '));
    t.true(stderr.includes('\\x1b]0;title'), stderr);
    t.deepEqual(forbiddenIn(stdout + stderr), [], line.join(' '));
  }
});

test('a completed name with control characters from the server is escaped and printed as one line', async (t) => {
  const names = ['fine', `two\nforged\tabout${HOSTILE}`];
  const server = await httpServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ secrets: names.map((name) => secret(name)), count: names.length }));
  });
  t.teardown(server.close);
  const env = { ORAMA_URL: server.url, ORAMA_API_KEY: 'ak_x:default' };
  const { stdout } = await runCli(['__complete', 'function', 'secrets', 'delete', ''], { home, env });
  t.deepEqual(forbiddenIn(stdout), []);
  t.is(stdout.split('\n').length, 3, stdout);
  t.is(stdout.split('\t').length, 3, stdout);
});

const secret = (name: string) => ({
  name,
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-01T00:00:00Z',
});

test('log lines of the engine are valid JSON without control characters', async (t) => {
  const logger = JSON.stringify(new URL('../../src/logger.js', import.meta.url).href);
  const program = `const { createLogger } = await import(${logger});
    createLogger('info').warn({ said: process.argv[1] }, process.argv[1]);`;
  // Arguments of a process cannot contain NUL.
  const said = HOSTILE.slice(1);
  const { stderr } = await promisify(execFile)(process.execPath, [
    '--input-type=module',
    '-e',
    program,
    said,
  ]);
  t.deepEqual(forbiddenIn(stderr), []);
  t.like(JSON.parse(stderr), { said, msg: said });
});

test('no file of the CLI except terminal.ts writes to the terminal directly', async (t) => {
  const files = await readdir('src/cli', { recursive: true });
  for (const file of files.filter((name) => name.endsWith('.ts') && !name.startsWith('templates'))) {
    if (file === 'terminal.ts') continue;
    const source = await readFile(join('src/cli', file), 'utf8');
    t.notRegex(source, /process\.(stdout|stderr)\.write|console\.\w+\(|\.question\(`/, file);
  }
});
