import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { uuidv7 } from '../../src/uuid.js';
import { tempDir } from '../helpers/temp-dir.js';
import { answeringServer, json, RECORD } from './answering-server.js';

const home = tempDir();

/** Runs `orama` with a pipe for stdout, and stderr if chosen, that nobody reads. */
async function runUnread(
  t: ExecutionContext,
  args: readonly string[],
  { env, unread = ['stdout'] }: { env: Record<string, string>; unread?: string[] | undefined },
) {
  const child = spawn(process.execPath, [`${process.cwd()}/dist/app/orama.js`, ...args], {
    cwd: home,
    env: { PATH: process.env.PATH, HOME: home, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  child.stdout.destroy();
  if (unread.includes('stderr')) child.stderr.destroy();
  const stderr = unread.includes('stderr') ? '' : text(child.stderr);
  const [code] = await once(child, 'close');
  return { code, stderr: await stderr };
}

function aRecord(): object {
  return {
    ...{ request_id: uuidv7(), function: 'hello', version: 1, trigger: 'http', attempt: 1 },
    ...{ status: 'success', started_at: new Date().toISOString(), duration_ms: 1 },
    ...{ input_size: 0, output_size: 0, memory_peak_mb: 1, error: null, messages: [] },
  };
}

function aProject(): void {
  mkdirSync(join(home, 'functions', 'hello'), { recursive: true });
  writeFileSync(join(home, 'orama.yaml'), 'functions: ["functions/*"]\n');
  writeFileSync(join(home, 'functions', 'hello', 'function.yaml'), 'name: hello\n');
  writeFileSync(join(home, 'functions', 'hello', 'function.wasm'), 'module');
}

test('a deploy whose output nobody reads is finished, and its exit code is its own', async (t) => {
  aProject();
  const deploys: string[] = [];
  let isRefused = false;
  const server = await answeringServer(({ method, url }, response) => {
    if (method === 'GET' && url === '/v1/functions') return json(response, 200, { functions: [], count: 0 });
    if (method === 'GET') return json(response, 200, { secrets: [], count: 0 });
    if (url.includes('dry_run')) return json(response, 200, { message: 'valid' });
    deploys.push(url);
    if (isRefused) return json(response, 409, { error: 'refused', code: 'conflict' });
    json(response, 201, { message: 'deployed', function: { ...RECORD, version: 1 } });
  });
  t.teardown(server.close);
  const deploy = (unread?: string[]) => runUnread(t, ['deploy', '--no-build'], { env: server.env, unread });
  const done = await deploy();
  t.is(done.code, 0, done.stderr);
  t.is(deploys.length, 1);
  isRefused = true;
  t.is((await deploy()).code, 1);
  t.is((await deploy(['stdout', 'stderr'])).code, 1);
  t.is(deploys.length, 3);
});

test('a command that prints until it is stopped ends with exit code 0 when nobody reads its output', async (t) => {
  const server = await answeringServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const timer = setInterval(() => response.write(`data: ${JSON.stringify(aRecord())}\n\n`), 50);
    response.on('close', () => clearInterval(timer));
  });
  t.teardown(server.close);
  const followed = await runUnread(t, ['logs', 'hello', '--follow', '--json'], server);
  t.is(followed.code, 0, followed.stderr);
});
