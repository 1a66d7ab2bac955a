import { mkdirSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import test from 'ava';
import { checkNode } from '../../src/cli/doctor/machine.js';
import { VERSION } from '../../src/package.js';
import { runCli } from '../helpers/cli.js';
import { httpServer } from '../helpers/http-server.js';
import { startEngine } from '../helpers/running-engine.js';
import { shared } from '../helpers/shared.js';
import { tempDir } from '../helpers/temp-dir.js';

const home = tempDir();
const engine = shared(() => startEngine());

interface Report {
  ok: boolean;
  checks: { name: string; status: string; found: string; advice: string | null }[];
}

async function doctor(env: Record<string, string>, cwd = home) {
  const run = await runCli(['doctor', '--json'], { home, env, cwd });
  const report: Report = JSON.parse(run.stdout);
  const of = (name: string) => report.checks.find((check) => check.name === name);
  return { ...run, report, of };
}

/** Starts a server that responds as an engine with the given answers. */
async function saying(answers: Record<string, unknown>, headers: Record<string, string> = {}) {
  return httpServer((request, response: ServerResponse) => {
    const body = answers[request.url?.split('?')[0] ?? ''];
    response.writeHead(body === undefined ? 401 : 200, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body ?? { error: 'The key is revoked.', code: 'unauthorized' }));
  });
}

const WELL = {
  '/v1/version': { name: 'orama-functions', version: VERSION, node: 'v20' },
  '/health': { status: 'ok', dependencies: { store: { status: 'up' } } },
};

test('doctor reports each check as ok for a running engine and exits with 0', async (t) => {
  const { url, adminKey, dataDir } = await engine();
  const env = { ORAMA_URL: url, ORAMA_API_KEY: adminKey, ORAMA_DATA_DIR: dataDir };
  const { code, stderr, report, of } = await doctor(env);
  t.is(code, 0, stderr);
  t.true(report.ok);
  t.like(of('node'), { status: 'ok', found: process.versions.node });
  t.is(of('engine')?.found, `version ${VERSION} at ${url}`);
  t.is(of('key')?.found, 'namespace default, may do everything');
  t.regex(of('clock')?.found ?? '', /^within \d+ s of the engine's$/);
  t.regex(of('health')?.found ?? '', /queue.* up$/);
  t.true(of('disk')?.found.endsWith(` GB free at ${dataDir}`));
  for (const name of ['go', 'tinygo', 'rust', 'clang']) t.truthy(of(name), name);
});

test('doctor prints one line and a hint for a failed check and exits with 1', async (t) => {
  const run = await runCli(['doctor'], { home, env: { ORAMA_URL: 'http://127.0.0.1:2' } });
  t.is(run.code, 1);
  t.regex(
    run.stdout,
    /^wrong {4}engine {3}No engine answers at http:\/\/127\.0\.0\.1:2\n +Start one with "orama up"/m,
  );
  t.regex(run.stderr, /^error: Failed checks: engine\n/);
});

test('doctor reports a revoked key and a missing key as wrong', async (t) => {
  const { url } = await engine();
  const revoked = await doctor({ ORAMA_URL: url, ORAMA_API_KEY: 'ak_gone:default' });
  t.is(revoked.code, 1);
  t.is(revoked.of('key')?.status, 'wrong');
  const server = await saying(WELL);
  t.teardown(server.close);
  const none = await doctor({ ORAMA_URL: server.url });
  t.is(none.of('key')?.found, 'there is none');
  t.regex(none.of('key')?.advice ?? '', /orama login/);
});

for (const [ms, says] of [
  [-1_000_000, /^(99\d|10\d\d) s ahead of the engine's$/],
  [1_000_000, /^(9\d\d|1000) s behind the engine's$/],
] as const) {
  test(`doctor reports a clock that differs by ${ms / 1000} s from the engine as wrong`, async (t) => {
    const date = new Date(Date.now() + ms).toUTCString();
    const server = await saying(WELL, { date });
    t.teardown(server.close);
    const { code, of } = await doctor({ ORAMA_URL: server.url, ORAMA_API_KEY: 'k' });
    t.is(code, 1);
    t.is(of('clock')?.status, 'wrong');
    t.regex(of('clock')?.found ?? '', says);
  });
}

test('doctor reports an engine of another major version or with a failed dependency as wrong', async (t) => {
  const server = await saying({
    '/v1/version': { name: 'orama-functions', version: '99.0.0', node: 'v20' },
    '/health': {
      status: 'down',
      dependencies: { store: { status: 'up' }, queue: { status: 'down', error: 'gone' } },
    },
  });
  t.teardown(server.close);
  const { of } = await doctor({ ORAMA_URL: server.url, ORAMA_API_KEY: 'k' });
  t.like(of('engine'), {
    status: 'wrong',
    advice: 'Install the version of orama-functions that the engine has.',
  });
  t.like(of('health'), { status: 'wrong', found: 'queue is down: gone' });
});

test('doctor reports a missing compiler as wrong only if a function in the directory needs one', async (t) => {
  const server = await saying(WELL);
  t.teardown(server.close);
  const directory = join(home, 'rusty');
  mkdirSync(directory);
  writeFileSync(join(directory, 'function.yaml'), 'name: rusty\n');
  const env = { ORAMA_URL: server.url, ORAMA_API_KEY: 'k', PATH: join(home, 'no-tools') };
  const before = await doctor(env, directory);
  t.like(before.of('rust'), { status: 'missing', found: 'not on PATH' });
  writeFileSync(join(directory, 'Cargo.toml'), '');
  const after = await doctor(env, directory);
  t.is(after.of('rust')?.status, 'wrong');
  t.is(after.of('clang')?.status, 'missing');
  t.regex(after.of('rust')?.advice ?? '', /rustup target add wasm32-wasip1/);
});

test('doctor escapes control characters in the version of an engine', async (t) => {
  const server = await saying({ ...WELL, '/v1/version': { name: 'x', version: '\u001b[2J9', node: 'v' } });
  t.teardown(server.close);
  const run = await runCli(['doctor'], { home, env: { ORAMA_URL: server.url } });
  t.regex(run.stdout, /version \\x1b\[2J9 at/);
});

test('doctor reports a Node.js version below 20.19 as wrong', (t) => {
  t.is(checkNode('20.18.3').status, 'wrong');
  t.is(checkNode('20.19.0').status, 'ok');
  t.is(checkNode('22.1.0').status, 'ok');
});
