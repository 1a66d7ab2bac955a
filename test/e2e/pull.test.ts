import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { runCli } from '../helpers/cli.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { startEngine } from '../helpers/running-engine.js';
import { sameBytes } from '../helpers/same-bytes.js';
import { shared } from '../helpers/shared.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const home = tempDir();
const SECRET = 'a-secret-nobody-may-see';
const MISSING = '0199c5a0-0000-7000-8000-000000000009';

const started = shared(async () => {
  const engine = await startEngine();
  const metadata = JSON.stringify({ env: { GREETING: 'hello', COLOUR: 'blue' }, trace: true });
  await engine.api.deploy('traced', await probeWasm(), { metadata, memory_limit_mb: '32' });
  await engine.api.deploy('plain', await probeWasm());
  await engine.api.put('/v1/functions/secrets', { name: 'TOKEN', value: SECRET });
  await engine.api.post('/v1/cache/put', { dmap: 'default', key: 'colour', value: 'green' });
  return engine;
});

const INPUT = commands(
  { op: 'secret', a: 'TOKEN' },
  { op: 'cache_get', a: 'colour' },
  { op: 'query', a: 'select 41 + 1 as answer', b: '[]' },
);

async function env(): Promise<Record<string, string>> {
  const { url, adminKey } = await started();
  return { ORAMA_URL: url, ORAMA_API_KEY: adminKey };
}

async function invoke(name: string, input: string): Promise<string> {
  const { api } = await started();
  const { headers } = await api.invoke(name, input);
  return headers.get('x-request-id') ?? '';
}

test('a function with trace: true records its host calls without the values of secrets', async (t) => {
  const { api } = await started();
  const id = await invoke('traced', INPUT);
  const { status, json, text } = await api.get(`/v1/invocations/${id}/trace`);
  t.is(status, 200);
  t.like(json, { request_id: id, attempt: 1, truncated: false });
  t.deepEqual(
    json.calls.map((one: { call: string; about: string }) => [one.call, one.about]),
    [
      ['get_secret', 'TOKEN'],
      ['cache_get', 'colour'],
      ['db_query', 'select 41 + 1 as answer'],
    ],
  );
  t.false(text.includes(SECRET));
  t.is((await api.get(`/v1/invocations/${id}/trace?attempt=2`)).status, 404);
});

test('the trace of a function without trace: true or of an unknown invocation returns 404', async (t) => {
  const { api } = await started();
  const id = await invoke('plain', INPUT);
  const none = await api.get(`/v1/invocations/${id}/trace`);
  t.is(none.status, 404);
  t.regex(none.json.error, /trace: true/);
  t.is((await api.get(`/v1/invocations/${MISSING}/trace`)).status, 404);
});

test('trace and module return 403 without the scope deploy, and 404 to another namespace', async (t) => {
  const { api } = await started();
  const id = await invoke('traced', INPUT);
  const make = async (body: object) => api.as((await api.post('/v1/auth/keys', body)).json.api_key);
  const reader = await make({ name: 'reader', namespace: 'default', scopes: ['read'] });
  const other = await make({ name: 'other', namespace: 'elsewhere' });
  for (const path of [`/v1/invocations/${id}/trace`, '/v1/functions/traced/module']) {
    t.is((await reader.get(path)).status, 403, path);
    t.is((await other.get(path)).status, 404, path);
  }
  const limited = await make({ name: 'limited', namespace: 'default', functions: ['plain'] });
  t.is((await limited.get(`/v1/invocations/${id}/trace`)).status, 403);
});

test('the module of a version has the bytes that were deployed, and an unknown version returns 404', async (t) => {
  const { url, adminKey } = await started();
  const headers = { 'x-api-key': adminKey };
  const reply = await fetch(`${url}/v1/functions/traced@1/module`, { headers });
  t.is(reply.headers.get('content-type'), 'application/wasm');
  sameBytes(t, new Uint8Array(await reply.arrayBuffer()), await probeWasm());
  t.is((await fetch(`${url}/v1/functions/traced@9/module`, { headers })).status, 404);
});

test('function pull runs an invocation locally with its input and settings, and env names without values', async (t) => {
  const id = await invoke('traced', commands({ op: 'env', a: 'GREETING' }, { op: 'cache_get', a: 'colour' }));
  const first = await runCli(['function', 'pull', id, '--dir', 'pulled'], { home, env: await env() });
  t.is(first.code, 0, first.stderr);
  // The local run has a different cache, and env without values.
  t.is(first.stdout, '{"results":["",""]}');
  const directory = join(home, 'pulled');
  const { invocation, ...record } = JSON.parse(readFileSync(join(directory, 'invocation.json'), 'utf8'));
  // The record contains the output of the invocation, which includes values of env.
  t.is(invocation.output, '{"results":["hello","green"]}');
  t.false(JSON.stringify(record).includes('hello'));
  t.like(record, { env: ['GREETING', 'COLOUR'], settings: { memory_limit_mb: 32 } });
  t.regex(readFileSync(join(directory, '.env'), 'utf8'), /^GREETING=\nCOLOUR=\n$/m);
  t.is(statSync(join(directory, '.env')).mode & 0o777, 0o600);

  writeFileSync(join(directory, '.env'), 'GREETING=good day\nCOLOUR=\n');
  const second = await runCli(['fn', 'pull', id, '--dir', 'pulled'], { home, env: await env() });
  t.is(second.stdout, '{"results":["good day",""]}', second.stderr);

  const other = await invoke('plain', INPUT);
  const taken = await runCli(['function', 'pull', other, '--dir', 'pulled'], { home, env: await env() });
  t.is(taken.code, 1);
  t.regex(taken.stderr, new RegExp(`pulled holds the invocation ${id}; name another with --dir`));
});

test('function pull --trace replays the recorded results of host calls, with masked secrets', async (t) => {
  const id = await invoke('traced', INPUT);
  const run = await runCli(['function', 'pull', id, '--trace', '--json'], { home, env: await env() });
  t.is(run.code, 0, run.stderr);
  const { directory, run: outcome } = JSON.parse(run.stdout);
  t.is(directory, id.slice(0, 13));
  t.deepEqual(JSON.parse(outcome.output).results.slice(0, 2), ['«secret TOKEN»', 'green']);
  t.regex(outcome.output, /answer.+42/);
  t.false(readFileSync(join(home, directory, 'trace.json'), 'utf8').includes(SECRET));
});

test('function pull --trace fails for a function without trace: true and names that setting', async (t) => {
  const id = await invoke('plain', INPUT);
  const run = await runCli(['function', 'pull', id, '--trace', '--dir', 'none'], { home, env: await env() });
  t.is(run.code, 1);
  t.regex(run.stderr, /There is no trace .* "trace: true"/);
  t.false(existsSync(join(home, 'none')));
});

test('function pull exits with 1, the error and the log if the run fails; --no-run only downloads', async (t) => {
  const id = await invoke('traced', commands({ op: 'exit', n: 65 }));
  const fetched = await runCli(['function', 'pull', id, '--no-run', '--dir', 'failed'], {
    home,
    env: await env(),
  });
  t.deepEqual([fetched.code, fetched.stdout], [0, 'failed\n'], fetched.stderr);
  const run = await runCli(['function', 'pull', id, '--dir', 'failed'], { home, env: await env() });
  t.is(run.code, 1);
  t.regex(run.stderr, /error http v1 [\s\S]*error: .*65/);
});

test('function pull --source runs a local source with the input of the invocation', async (t) => {
  const id = await invoke('plain', '"Ada"');
  const source = join(home, 'source');
  mkdirSync(source);
  writeFileSync(join(source, 'function.yaml'), 'name: mended\nenv: {GREETING: hi}\n');
  writeFileSync(
    join(source, 'index.ts'),
    'export default async (input: string, env: { GREETING: string }) => ({ said: [env.GREETING, input] });\n',
  );
  const args = ['function', 'pull', id, '--source', source, '--dir', 'mending'];
  const run = await runCli(args, { home, env: await env() });
  t.is(run.code, 0, run.stderr);
  t.is(run.stdout, '{"said":["hi","Ada"]}');
});

test('function pull ignores REDIS_URL and RQLITE_URL of the environment', async (t) => {
  const id = await invoke('plain', commands({ op: 'echo', a: 'apart' }));
  const elsewhere = { ...(await env()), REDIS_URL: 'redis://127.0.0.1:2', RQLITE_URL: 'http://127.0.0.1:2' };
  const run = await runCli(['function', 'pull', id, '--dir', 'apart'], { home, env: elsewhere });
  t.is(run.code, 0, run.stderr);
  t.is(run.stdout, '{"results":["apart"]}');
});

/** Runs `orama function pull … --watch` and collects its output. */
async function watch(t: ExecutionContext, ...args: string[]) {
  const child = spawn(
    process.execPath,
    [resolve('dist/app/orama.js'), 'function', 'pull', ...args, '--watch'],
    {
      cwd: home,
      env: { PATH: process.env.PATH, HOME: home, ...(await env()) },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  t.teardown(() => child.kill('SIGKILL'));
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      said += part;
    });
  }
  /**
   * A watcher that has just started may miss a change, so the change is repeated until it has an
   * effect.
   */
  const changes = async (file: string, text: string, effect: RegExp) => {
    const before = said.length;
    let due = 0;
    await until(`${effect}`, async () => {
      if (effect.test(said.slice(before))) return true;
      if (performance.now() < due) return false;
      due = performance.now() + 10_000;
      writeFileSync(file, text);
      return false;
    });
  };
  return {
    changes,
    says: (text: RegExp) => until(`${text} in:\n${said}`, async () => text.test(said)),
    async stop(signal: 'SIGINT' | 'SIGTERM') {
      const exited = once(child, 'exit');
      child.kill(signal);
      t.deepEqual(await exited, [0, null], said);
    },
  };
}

test('function pull overwrites no files that are not from a pull', async (t) => {
  const id = await invoke('plain', '1');
  for (const name of ['function.wasm', 'input', 'trace.json', 'invocation.json']) {
    const directory = join(home, `foreign-${name}`);
    mkdirSync(directory);
    writeFileSync(join(directory, name), '{}');
    const args = ['function', 'pull', id, '--no-run', '--dir', directory];
    const refused = await runCli(args, { home, env: await env() });
    t.is(refused.code, 1);
    t.regex(refused.stderr, new RegExp(`holds a file "${name}" that is not from a pull; name another`));
    t.deepEqual(readdirSync(directory), [name]);
    t.is(readFileSync(join(directory, name), 'utf8'), '{}');
  }
});

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  test(`${signal} to function pull removes its temporary directory, with the input and the secrets`, async (t) => {
    const id = await invoke('plain', '1');
    const temporary = join(home, signal);
    mkdirSync(temporary);
    const args = ['function', 'pull', id, '--dir', `stopped-${signal}`];
    const child = spawn(process.execPath, [resolve('dist/app/orama.js'), ...args], {
      cwd: home,
      env: { PATH: process.env.PATH, HOME: home, TMPDIR: temporary, ...(await env()) },
      stdio: 'ignore',
    });
    t.teardown(() => child.kill('SIGKILL'));
    const exited = once(child, 'exit');
    await until('the temporary directory', async () => readdirSync(temporary).length > 0);
    child.kill(signal);
    t.deepEqual(await exited, [code, null]);
    t.deepEqual(readdirSync(temporary), []);
  });
}

test('function pull --watch runs the invocation again at every change of its files, until SIGINT', async (t) => {
  t.timeout(240_000);
  const id = await invoke('traced', commands({ op: 'env', a: 'GREETING' }));
  const { says, changes, stop } = await watch(t, id, '--dir', 'watched');
  await says(/\{"results":\[""\]\}/);
  const directory = join(home, 'watched');
  await changes(join(directory, '.env'), 'GREETING=good day\nCOLOUR=\n', /\{"results":\["good day"\]\}/);
  const echo = commands({ op: 'echo', a: 'another' });
  await changes(join(directory, 'input'), echo, /\{"results":\["another"\]\}/);
  const failing = commands({ op: 'exit', n: 65 });
  await changes(join(directory, 'input'), failing, /error: .*65/);
  await changes(join(directory, 'input'), echo, /\{"results":\["another"\]\}/);
  await stop('SIGINT');
});

test('function pull --watch --source rebuilds at every change and continues after a build error', async (t) => {
  t.timeout(240_000);
  const id = await invoke('plain', '"Ada"');
  const source = join(home, 'mended');
  mkdirSync(source);
  writeFileSync(join(source, 'function.yaml'), 'name: mended\n');
  const file = join(source, 'index.ts');
  const saying = (word: string) => `export default async (input: string) => ['${word}', input];\n`;
  writeFileSync(file, saying('one'));
  const { says, changes, stop } = await watch(t, id, '--source', source, '--dir', 'mending-watched');
  await says(/\["one","Ada"\]/);
  await changes(file, 'export default {', /error: .*index\.ts:1/);
  await changes(file, saying('two'), /\["two","Ada"\]/);
  await stop('SIGTERM');
});
