import { mkdirSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { createTerminal } from '../../src/cli/terminal.js';
import { runCli } from '../helpers/cli.js';
import { httpServer } from '../helpers/http-server.js';
import { tempDir } from '../helpers/temp-dir.js';

const home = tempDir();
const AT = '2026-01-01T00:00:00.000Z';
const SECRETS = ['FIRST', 'SECOND_LONGER'].map((name) => ({ name, created_at: AT, updated_at: AT }));

async function answering(value: unknown) {
  const asked: string[] = [];
  const server = await httpServer((request, response: ServerResponse) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  });
  return { asked, env: { ORAMA_URL: server.url, ORAMA_API_KEY: 'ak_test:ns' }, close: server.close };
}

test('a list is printed as tab-separated columns, a table, one JSON document or one item per line', async (t) => {
  const reply = { secrets: SECRETS, count: 2 };
  const { env, close } = await answering(reply);
  t.teardown(close);
  const printed = async (...args: string[]) => {
    const run = await runCli(['function', 'secrets', 'list', ...args], { home, env });
    t.is(run.code, 0, run.stderr);
    return run.stdout;
  };
  t.is(await printed(), `FIRST\t${AT}\t${AT}\nSECOND_LONGER\t${AT}\t${AT}\n`);
  const table = (await printed('--output', 'table')).split('\n');
  t.regex(table[0] ?? '', /^NAME {11}CREATED {19}UPDATED$/);
  t.regex(table[1] ?? '', /^FIRST {10}2026/);
  t.deepEqual(JSON.parse(await printed('-o', 'json')), reply);
  t.is(await printed('--json'), await printed('--output', 'json'));
  t.is(await printed('--output', 'ndjson'), SECRETS.map((one) => `${JSON.stringify(one)}\n`).join(''));
});

test('as ndjson an empty list prints nothing, and a single object prints one line', async (t) => {
  const empty = await answering({ secrets: [], count: 0 });
  t.teardown(empty.close);
  const none = await runCli(['function', 'secrets', 'list', '-o', 'ndjson'], { home, env: empty.env });
  t.is(none.code, 0, none.stderr);
  t.is(none.stdout, '');
  const status = { status: 'ok', version: '9.9.9', functions_url: 'http://127.0.0.1:1' };
  const engine = await answering(status);
  t.teardown(engine.close);
  const one = await runCli(['status', '-o', 'ndjson'], { home, env: engine.env });
  t.is(one.stdout, `${JSON.stringify(status)}\n`);
});

test('two output formats at once and an unknown format are wrong usage', async (t) => {
  const both = await runCli(['status', '--json', '--output', 'table'], { home });
  t.is(both.code, 2);
  t.regex(both.stderr, /'--json' cannot be used with option '-o, --output <format>'/);
  const unknown = await runCli(['status', '--output', 'yaml'], { home });
  t.is(unknown.code, 2);
  t.regex(unknown.stderr, /Allowed choices are table, json, ndjson/);
});

test('invocations list sends its filters, and prints no hint about the next page in a pipe', async (t) => {
  const { asked, env, close } = await answering({ invocations: [], count: 0, next_cursor: 'abc' });
  t.teardown(close);
  const parent = '0199c5a0-0000-7000-8000-000000000009';
  const args = ['inv', 'ls', '--function', 'f', '--status', 'dead', '--reason', 'timeout', '-n', '7'];
  const run = await runCli([...args, '--parent', parent, '--since', AT, '--cursor', 'x'], { home, env });
  t.is(run.code, 0, run.stderr);
  t.is(run.stdout + run.stderr, '');
  const { searchParams } = new URL(asked[0]?.split(' ')[1] ?? '', 'http://engine');
  t.deepEqual(Object.fromEntries(searchParams), {
    ...{
      function: 'f',
      status: 'dead',
      reason: 'timeout',
      parent_id: parent,
      since: AT,
      limit: '7',
      cursor: 'x',
    },
  });
});

test('a live line is redrawn in place, cleared before other output and removed at its end', async (t) => {
  const stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 40 });
  const stdout = Object.assign(new PassThrough(), { isTTY: true });
  const terminal = createTerminal({ stdin: process.stdin, stdout, stderr });
  const activity = terminal.activity('Building a\u001b[2J');
  activity.update('Building b');
  terminal.progress('a: built');
  activity.end();
  terminal.problem('at the end');
  stderr.end();
  const clear = '\r\u001b[2K';
  t.is(
    await text(stderr),
    `${clear}Building a\\x1b[2J${clear}Building b${clear}a: built\n${clear}Building b${clear}at the end\n`,
  );
});

test('without a terminal deploying a project prints no live line', async (t) => {
  const root = join(home, 'project');
  mkdirSync(join(root, 'f'), { recursive: true });
  writeFileSync(join(root, 'orama.yaml'), 'functions: [f]\n');
  writeFileSync(join(root, 'f', 'function.yaml'), 'name: f\nbuild: "printf wasm > function.wasm"\n');
  const { env, close } = await answering({ functions: [], count: 0 });
  t.teardown(close);
  const run = await runCli(['deploy', '--dry-run'], { home, cwd: root, env });
  t.is(run.code, 0, run.stderr);
  t.is(run.stderr, '');
});
