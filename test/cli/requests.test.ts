import { mkdirSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import test from 'ava';
import { runCli } from '../helpers/cli.js';
import { httpServer } from '../helpers/http-server.js';
import { tempDir } from '../helpers/temp-dir.js';

interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}

/** Starts an HTTP server that responds with `answer` and records the requests of the CLI. */
async function startServer(answer: (request: Seen, response: ServerResponse) => void) {
  const seen: Seen[] = [];
  const server = await httpServer(async (request, response) => {
    const body = (await buffer(request)).toString('latin1');
    const one = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
    seen.push(one);
    answer(one, response);
  });
  return { seen, env: { ORAMA_URL: server.url, ORAMA_API_KEY: 'ak_test:ns' }, close: server.close };
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

const home = tempDir();

const ID = '0199c5a0-0000-7000-8000-000000000009';

const RECORD = {
  id: 'f1',
  name: 'hello',
  namespace: 'ns',
  version: 3,
  wasm_cid: 'bafy',
  memory_limit_mb: 64,
  timeout_seconds: 30,
  is_public: false,
  retry_count: 0,
  retry_delay_seconds: 5,
  status: 'active',
  warm_start: 'fresh',
  warm_start_reason: null,
  created_at: '2026-01-01T00:00:00.000Z',
  updated_at: '2026-01-01T00:00:00.000Z',
  created_by: 'admin',
};

test('deploy sends the settings as form fields and the module as a file', async (t) => {
  const server = await startServer((_request, response) => {
    json(response, 201, { message: 'deployed', function: RECORD });
  });
  t.teardown(server.close);
  const directory = join(home, 'deploy');
  mkdirSync(directory);
  writeFileSync(
    join(directory, 'function.yaml'),
    'name: hello\nmemory: 16\nenv: {A: b}\ntriggers: [{topic: "x:*"}]\n',
  );
  writeFileSync(join(directory, 'function.wasm'), 'wasm bytes');

  const run = await runCli(['function', 'deploy', directory], { home, env: server.env });
  t.is(run.code, 0, run.stderr);
  t.is(run.stdout, 'Deployed hello version 3 (start: fresh)\n');
  const [request] = server.seen;
  t.is(request?.method, 'POST');
  t.is(request?.url, '/v1/functions');
  t.is(request?.headers['x-api-key'], 'ak_test:ns');
  t.regex(request?.body ?? '', /name="memory_limit_mb"\r\n\r\n16\r\n/);
  t.regex(
    request?.body ?? '',
    /name="metadata"\r\n\r\n\{"env":\{"A":"b"\},.*"triggers":\[\{"topic":"x:\*"\}\]/,
  );
  t.regex(request?.body ?? '', /name="wasm"; filename="function\.wasm"[\s\S]*\r\n\r\nwasm bytes\r\n/);
});

test('an invalid function.yaml is refused before anything is sent', async (t) => {
  const server = await startServer((_request, response) => json(response, 500, {}));
  t.teardown(server.close);
  const directory = join(home, 'invalid');
  mkdirSync(directory);
  writeFileSync(join(directory, 'function.yaml'), 'name: hello\nmemory: 512\n');
  const run = await runCli(['function', 'deploy', directory], { home, env: server.env });
  t.is(run.code, 1);
  t.is(run.stderr, 'error: function.yaml: memory must be a whole number from 1 to 256 MB, not 512\n');
  t.deepEqual(server.seen, []);
});

test('invoke sends its data unchanged and prints only the output', async (t) => {
  const server = await startServer((request, response) => {
    response.writeHead(200, {
      'x-request-id': 'r1',
      'x-duration-ms': '1.5',
      'x-attempts': '2',
      'x-function-version': '3',
    });
    response.end(request.body);
  });
  t.teardown(server.close);
  const { env } = server;
  writeFileSync(join(home, 'input.json'), '{"from":"file"}');

  t.is((await runCli(['function', 'invoke', 'hello', '--data', '{"a":1}'], { home, env })).stdout, '{"a":1}');
  t.is(
    (await runCli(['function', 'invoke', 'hello', '-d', '@input.json'], { home, env })).stdout,
    '{"from":"file"}',
  );
  const piped = await runCli(['function', 'invoke', 'hello', '--data', '-'], { home, env, stdin: 'piped' });
  t.is(piped.stdout, 'piped');
  t.is(piped.stderr, '');

  const asJson = await runCli(
    ['function', 'invoke', 'hello', '--version', '3', '--data', '{"a":1}', '--json'],
    {
      home,
      env,
    },
  );
  t.deepEqual(JSON.parse(asJson.stdout), {
    request_id: 'r1',
    status: 'success',
    output: { a: 1 },
    duration_ms: 1.5,
    attempts: 2,
    version: 3,
  });
  t.is(server.seen.at(-1)?.url, '/v1/functions/hello%403/invoke');
});

test('invoke --async prints the request id', async (t) => {
  const server = await startServer((_request, response) => {
    json(response, 202, { request_id: 'r2', status: 'queued' });
  });
  t.teardown(server.close);
  const run = await runCli(
    ['function', 'invoke', 'hello', '--async', '--delay', '5', '--idempotency-key', 'k'],
    {
      home,
      env: server.env,
    },
  );
  t.is(run.stdout, 'r2\n');
  t.like(server.seen[0]?.headers, {
    prefer: 'respond-async',
    'x-delay-seconds': '5',
    'idempotency-key': 'k',
  });
});

test('invoke of a failing function exits with 1, the error on stderr and nothing on stdout', async (t) => {
  const server = await startServer((_request, response) => {
    json(response, 500, { request_id: 'r3', status: 'error', error: 'exit code 1', duration_ms: 1 });
  });
  t.teardown(server.close);
  const run = await runCli(['function', 'invoke', 'hello'], { home, env: server.env });
  t.is(run.code, 1);
  t.is(run.stdout, '');
  t.is(run.stderr, 'error: exit code 1 (request r3)\nSee what it logged with: orama function logs hello\n');
});

test('an error of the server is printed with a hint on what to do next', async (t) => {
  const server = await startServer((_request, response) => {
    json(response, 401, { error: 'The API key is not known', code: 'unauthorized' });
  });
  t.teardown(server.close);
  const run = await runCli(['function', 'list'], { home, env: server.env });
  t.is(run.code, 1);
  t.regex(run.stderr, /^error: The API key is not known\n.*orama login\n$/);
});

test('a reply that is not from an Orama engine exits with 1 and a hint about the address', async (t) => {
  const server = await startServer((_request, response) => response.end('<html>'));
  t.teardown(server.close);
  const run = await runCli(['function', 'list'], { home, env: server.env });
  t.is(run.code, 1);
  t.regex(run.stderr, /is the address right\?/);
});

test('lists are tab-separated lines in a pipe, and the unchanged reply with --json', async (t) => {
  const reply = { functions: [RECORD], count: 1, more: 'than this version knows' };
  const server = await startServer((_request, response) => json(response, 200, reply));
  t.teardown(server.close);
  const plain = await runCli(['function', 'list'], { home, env: server.env });
  t.is(plain.stdout, 'hello\t3\t64 MB\t30 s\tno\tfresh\t2026-01-01T00:00:00.000Z\n');
  const asJson = await runCli(['function', 'list', '--json'], { home, env: server.env });
  t.deepEqual(JSON.parse(asJson.stdout), reply);
});

test('the --namespace option is sent as a query parameter', async (t) => {
  const server = await startServer((_request, response) => json(response, 200, { functions: [], count: 0 }));
  t.teardown(server.close);
  await runCli(['function', 'list', '--namespace', 'other'], { home, env: server.env });
  t.is(server.seen[0]?.url, '/v1/functions?namespace=other');
});

test('secrets set sends a value from the command line, a file or stdin unchanged', async (t) => {
  const server = await startServer((_request, response) =>
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
  const server = await startServer((_request, response) => json(response, 200, { status: 'ok' }));
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
  const server = await startServer((request, response) => {
    if (request.method === 'GET') json(response, 200, { invocations: [], count: 0, next_cursor: null });
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
      'POST /v1/invocations/r1/replay?version=newest',
      'DELETE /v1/functions/hello/dead',
    ],
  );
});

test('keys create prints only the new key, and sends the namespace of --namespace', async (t) => {
  const server = await startServer((_request, response) => {
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
  t.is(server.seen[0]?.url, '/v1/auth/keys');
  t.deepEqual(JSON.parse(server.seen[0]?.body ?? ''), { name: 'ci', namespace: 'other' });
});

test('keys create sends scopes, functions and expiry, and rejects an invalid or past expiry', async (t) => {
  const server = await startServer((_, response) => {
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

test('audit lists changes with the names of keys', async (t) => {
  const server = await startServer((_, response) => {
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
      ['2026-01-01T00:00:00.000Z', 'ci', 'key.revoke', 'old (k2)', 'r-1'],
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
  const server = await startServer((request, response) => {
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

test('invoke --http sends the request unchanged to the functions URL that the engine reports', async (t) => {
  const seen: Seen[] = [];
  const functions = await httpServer(async (request, response) => {
    const body = (await buffer(request)).toString('latin1');
    seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body });
    const route = request.url?.includes('a%2Fb') ? { 'x-orama-route': 'GET /users/{path...}' } : {};
    const status = request.url?.includes('missing') ? 404 : 200;
    response.writeHead(status, { 'content-type': 'text/html', ...route });
    response.end('<p>7</p>');
  });
  const server = await startServer((request, response) => {
    if (request.url.startsWith('/v1/auth/whoami')) json(response, 200, { namespace: 'ns' });
    else json(response, 200, { status: 'ok', functions_url: functions.url });
  });
  t.teardown(functions.close);
  t.teardown(server.close);
  const call = (...args: string[]) => runCli(['function', 'invoke', ...args], { home, env: server.env });

  const got = await call(
    '--http',
    'GET /users/a%2Fb/../7?x=1',
    '-H',
    'Accept: text/html',
    '-H',
    'X-A: 1',
    '-H',
    'X-A: 2',
  );
  t.is(got.code, 0, got.stderr);
  t.is(got.stdout, '<p>7</p>');
  t.is(seen[0]?.method, 'GET');
  t.is(seen[0]?.url, '/ns/users/a%2Fb/../7?x=1');
  t.like(seen[0]?.headers, { accept: 'text/html', 'x-a': '1, 2', 'x-api-key': 'ak_test:ns' });

  const posted = await call('users', '--http', 'POST /new', '--data', '{"a":1}', '--json');
  t.like(JSON.parse(posted.stdout), {
    method: 'POST',
    path: '/new',
    route: null,
    status: 200,
    body: '<p>7</p>',
  });
  t.is(seen[1]?.url, '/ns/users/new');
  t.is(seen[1]?.body, '{"a":1}');

  const missing = await call('--http', 'GET /missing');
  t.is(missing.code, 1);
  t.is(missing.stdout, '<p>7</p>');
  t.regex(missing.stderr, /^error: GET \/missing was answered with 404\n/);

  for (const wrong of [
    ['--http', 'GET'],
    ['--http', 'FETCH /'],
    ['--http', 'GET /a b'],
    ['--http', 'GET /', '-H', 'no colon'],
    ['--http', 'GET /', '--async'],
    ['hello', '-H', 'A: b'],
    [],
  ]) {
    t.is((await call(...wrong)).code, 2, wrong.join(' '));
  }
});

test('hints after an error name CLI commands instead of API paths', async (t) => {
  const server = await startServer((request, response) => {
    if (request.url.includes('/versions')) {
      json(response, 200, {
        versions: [
          { ...RECORD, version: 2 },
          { ...RECORD, version: 1 },
        ],
        count: 2,
      });
    } else {
      json(response, 404, {
        error: 'There is no function "nosuch" in namespace "ns"; list what there is with GET /v1/functions.',
        code: 'function_not_found',
      });
    }
  });
  t.teardown(server.close);
  const { env } = server;
  const invoked = await runCli(['function', 'invoke', 'nosuch'], { home, env });
  t.is(
    invoked.stderr,
    'error: There is no function "nosuch" in namespace "ns".\n' +
      'Deploy it from its directory with "orama function deploy", or see what is there with: orama function list\n',
  );
  const rolled = await runCli(['function', 'rollback', 'hello', '99'], { home, env });
  t.is(rolled.code, 1);
  t.is(
    rolled.stderr,
    'error: Function "hello" has no version 99; it has 2, 1\n' +
      'See its versions with: orama function versions hello\n',
  );
});
