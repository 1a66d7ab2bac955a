import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { runCli } from '../helpers/cli.js';
import { tempDir } from '../helpers/temp-dir.js';
import { answeringServer, json } from './answering-server.js';

const home = tempDir();

const ID = '0199c5a0-0000-7000-8000-000000000009';

test('secrets set sends a value from the command line, a file or stdin unchanged', async (t) => {
  const server = await answeringServer((_request, response) =>
    json(response, 200, { message: 'stored', name: 'K' }),
  );
  t.teardown(server.close);
  const { env } = server;
  writeFileSync(join(home, 'key.pem'), '-----BEGIN KEY-----\nabc\n');
  await runCli(['function', 'secrets', 'set', 'K', 'plain'], { home, env });
  await runCli(['function', 'secrets', 'set', 'K', '--from-file', 'key.pem'], { home, env });
  await runCli(['function', 'secrets', 'set', 'K', '--from-file', '-'], { home, env, stdin: 'piped' });
  t.deepEqual(
    server.seen.map((request) => JSON.parse(request.body).value),
    ['plain', '-----BEGIN KEY-----\nabc\n', 'piped'],
  );
});

test('publish sends JSON as JSON and other text as a string', async (t) => {
  const server = await answeringServer((_request, response) => json(response, 200, { status: 'ok' }));
  t.teardown(server.close);
  const { env } = server;
  await runCli(['function', 'publish', 'calls:invite', '--data', '{"calleeId":"u1"}'], { home, env });
  await runCli(['function', 'publish', 'calls:invite', '--data', 'hello'], { home, env });
  t.deepEqual(
    server.seen.map((request) => JSON.parse(request.body)),
    [
      { topic: 'calls:invite', data: { calleeId: 'u1' } },
      { topic: 'calls:invite', data: 'hello' },
    ],
  );
});

test('dead letters are listed, replayed one at a time or all together, and purged', async (t) => {
  const server = await answeringServer((request, response) => {
    if (request.url === '/v1/invocations/r1') json(response, 200, { function: 'hello', state: 'dead' });
    else if (request.method === 'GET') json(response, 200, { invocations: [], count: 0, next_cursor: null });
    else if (request.url.includes('/invocations/')) json(response, 202, { request_id: ID });
    else json(response, 202, { count: 2 });
  });
  t.teardown(server.close);
  const { env } = server;
  t.is((await runCli(['function', 'dead', 'list', 'hello', '--reason', 'timeout'], { home, env })).code, 0);
  t.is((await runCli(['function', 'dead', 'replay', 'hello'], { home, env })).stdout, '2 replayed\n');
  t.is(
    (await runCli(['function', 'dead', 'replay', 'hello', 'r1', '--newest'], { home, env })).stdout,
    `Replayed as ${ID}\n`,
  );
  t.is((await runCli(['function', 'dead', 'purge', 'hello'], { home, env })).stdout, '2 purged\n');
  t.deepEqual(
    server.seen.map((request) => `${request.method} ${request.url}`),
    [
      'GET /v1/invocations?function=hello&status=dead&limit=100&reason=timeout',
      'POST /v1/functions/hello/dead/replay',
      'GET /v1/invocations/r1',
      'POST /v1/invocations/r1/replay?version=newest',
      'DELETE /v1/functions/hello/dead',
    ],
  );
});

test('a replay of one dead letter is refused if it is of another function or not dead', async (t) => {
  const server = await answeringServer((request, response) => {
    if (request.method !== 'GET') json(response, 202, { request_id: ID });
    else if (request.url.endsWith('r1')) json(response, 200, { function: 'other', state: 'dead' });
    else json(response, 200, { function: 'hello', state: 'success' });
  });
  t.teardown(server.close);
  const { env } = server;
  const replay = (id: string) => runCli(['function', 'dead', 'replay', 'hello', id], { home, env });
  const foreign = await replay('r1');
  t.is(foreign.code, 1);
  t.regex(foreign.stderr, /r1 is of the function "other", not of "hello"/);
  const ended = await replay('r2');
  t.is(ended.code, 1);
  t.regex(ended.stderr, /r2 is not dead but success; replay it with: orama invocations replay r2/);
  t.deepEqual(
    server.seen.map(({ method }) => method),
    ['GET', 'GET'],
  );
});

test('keys create prints only the new key, and sends the namespace of --namespace', async (t) => {
  const server = await answeringServer((_request, response) => {
    json(response, 201, {
      api_key: 'ak_new:other',
      id: 'k1',
      name: 'ci',
      namespace: 'other',
      created_at: '2026-01-01T00:00:00.000Z',
      last_used_at: null,
    });
  });
  t.teardown(server.close);
  const run = await runCli(['keys', 'create', 'ci', '--namespace', 'other'], { home, env: server.env });
  t.is(run.stdout, 'ak_new:other\n');
  t.is(server.seen[0]?.url, '/v1/auth/keys?namespace=other');
  t.deepEqual(JSON.parse(server.seen[0]?.body ?? ''), { name: 'ci' });
});

test('keys list, keys revoke, console and login send the namespace of --namespace', async (t) => {
  const server = await answeringServer((_request, response) =>
    json(response, 403, { error: 'This credential belongs to another namespace.', code: 'forbidden' }),
  );
  t.teardown(server.close);
  for (const args of [['keys', 'list'], ['keys', 'revoke', 'k1'], ['console'], ['login', '--api-key', 'k']]) {
    const run = await runCli([...args, '--namespace', 'other'], { home, env: server.env });
    t.is(run.code, 1, args.join(' '));
    t.regex(server.seen.at(-1)?.url ?? '', /\?namespace=other$/, args.join(' '));
  }
});

test('keys create sends scopes, functions and expiry, and rejects an invalid or past expiry', async (t) => {
  const server = await answeringServer((_, response) => {
    json(response, 201, {
      api_key: 'ak_new:ns',
      id: 'k1',
      name: 'ci',
      namespace: 'ns',
      scopes: ['deploy', 'read'],
      functions: ['hook-*'],
      expires_at: '2099-01-01T00:00:00.000Z',
      created_by: 'key:1',
      created_at: '2026-01-01T00:00:00.000Z',
      last_used_at: null,
    });
  });
  t.teardown(server.close);
  const limits = ['--scopes', 'deploy,read', '--functions', 'hook-*', '--expires', '90d'];
  const run = await runCli(['keys', 'create', 'ci', ...limits], { home, env: server.env });
  t.is(run.stdout, 'ak_new:ns\n');
  const body = JSON.parse(server.seen[0]?.body ?? '');
  t.like(body, { name: 'ci', scopes: ['deploy', 'read'], functions: ['hook-*'] });
  const days = (Date.parse(body.expires_at) - Date.now()) / 86_400_000;
  t.true(days > 89.9 && days <= 90, body.expires_at);
  for (const when of ['2020-01-01', 'soon', '0d']) {
    const wrong = await runCli(['keys', 'create', 'ci', '--expires', when], { home, env: server.env });
    t.is(wrong.code, 2, when);
  }
});

test('audit lists who changed what, with the names of keys and the ids that --actor takes', async (t) => {
  const server = await answeringServer((_, response) => {
    const event = { at: '2026-01-01T00:00:00.000Z', actor: 'key:1', request_id: 'r-1' };
    json(response, 200, {
      events: [
        { ...event, actor_name: 'ci', action: 'key.revoke', target: 'k2', target_name: 'old' },
        { ...event, actor: '0xabc', action: 'secret.set', target: 'TOKEN' },
      ],
      count: 2,
      next_cursor: 'c-2',
    });
  });
  t.teardown(server.close);
  const run = await runCli(['audit', '--since', '1d', '--actor', 'key:1', '-n', '2'], {
    home,
    env: server.env,
  });
  t.is(run.code, 0, run.stderr);
  t.deepEqual(
    run.stdout.trim().split('\n'),
    [
      ['2026-01-01T00:00:00.000Z', 'ci (key:1)', 'key.revoke', 'old (k2)', 'r-1'],
      ['2026-01-01T00:00:00.000Z', '0xabc', 'secret.set', 'TOKEN', 'r-1'],
    ].map((cells) => cells.join('\t')),
  );
  const asked = new URL(server.seen[0]?.url ?? '', 'http://engine');
  t.is(asked.pathname, '/v1/audit');
  t.like(Object.fromEntries(asked.searchParams), { actor: 'key:1', limit: '2' });
  const lines = await runCli(['audit', '-o', 'ndjson'], { home, env: server.env });
  t.is(lines.stdout.trim().split('\n').length, 2);
});

test('login stores a key only if the engine accepts the key', async (t) => {
  const server = await answeringServer((request, response) => {
    if (request.headers['x-api-key'] === 'ak_good:ns') json(response, 200, { functions: [], count: 0 });
    else json(response, 401, { error: 'The API key is not known', code: 'unauthorized' });
  });
  t.teardown(server.close);
  const own = join(home, 'login');
  mkdirSync(own);
  const env = { ORAMA_URL: server.env.ORAMA_URL };
  t.is((await runCli(['login', '--api-key', 'ak_bad:ns'], { home: own, env })).code, 1);
  t.is((await runCli(['login', '--api-key', '-'], { home: own, env, stdin: 'ak_good:ns\n' })).code, 0);
  // URL and key now come from the file.
  const run = await runCli(['function', 'list', '--json'], { home: own });
  t.is(run.code, 0, run.stderr);
  t.is(server.seen.at(-1)?.headers['x-api-key'], 'ak_good:ns');
});
