import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import test from 'ava';
import { runCli } from '../helpers/cli.js';
import { httpServer } from '../helpers/http-server.js';
import { tempDir } from '../helpers/temp-dir.js';
import { answeringServer, json, type Seen } from './answering-server.js';

const home = tempDir();

test('invoke sends its data unchanged and prints only the output', async (t) => {
  const server = await answeringServer((request, response) => {
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

test('invoke --json prints numbers and keys as the function wrote them', async (t) => {
  const server = await answeringServer((_request, response) => {
    response.writeHead(200, { 'x-request-id': 'r1', 'x-function-version': '1' });
    response.end('{ "id": 12345678901234567890,\n "price": 1.10, "text": " $& " }');
  });
  t.teardown(server.close);
  const { env } = server;
  const exact = '{"id":12345678901234567890,"price":1.10,"text":" $& "}';
  const run = await runCli(['invoke', 'hello', '--json'], { home, env });
  t.true(run.stdout.includes(`\n  "output": ${exact},\n`), run.stdout);
  const line = await runCli(['invoke', 'hello', '--output', 'ndjson'], { home, env });
  t.regex(line.stdout, /^\{.*\}\n$/);
  t.true(line.stdout.includes(`"output":${exact},`), line.stdout);
});

test('a sync call that goes on after the engine has waited for it fails and names the request', async (t) => {
  const server = await answeringServer((_request, response) => {
    json(response, 202, { request_id: 'r3', status: 'queued' });
  });
  t.teardown(server.close);
  const { env } = server;
  const run = await runCli(['invoke', 'hello'], { home, env });
  t.is(run.code, 1);
  t.is(run.stdout, '');
  t.regex(run.stderr, /^error: hello has not ended .*: orama invocations get r3\n$/);
  const asJson = await runCli(['invoke', 'hello', '--json'], { home, env });
  t.is(asJson.code, 1);
  t.deepEqual(JSON.parse(asJson.stdout), { request_id: 'r3', status: 'queued' });
});

test('an answer of another server is an error, and not an output', async (t) => {
  const server = await httpServer((_request, response) => {
    // Other servers have this header as well.
    response.setHeader('x-request-id', 'theirs').end('<html>');
  });
  t.teardown(server.close);
  const run = await runCli(['invoke', 'hello'], { home, env: { ORAMA_URL: server.url } });
  t.is(run.code, 1);
  t.is(run.stdout, '');
  t.regex(run.stderr, /^error: The server answered 200 with a response that is not from this API; /);
});

test('a response that breaks off is reported as such, and not as a fault of the CLI', async (t) => {
  const server = await httpServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
    response.write('{"functions":[');
    setTimeout(() => response.destroy(), 100);
  });
  t.teardown(server.close);
  for (const args of [
    ['function', 'list'],
    ['invoke', 'hello'],
  ]) {
    const run = await runCli(args, { home, env: { ORAMA_URL: server.url } });
    t.is(run.code, 1);
    t.regex(run.stderr, /^error: No engine answers at http.*\n.*\n$/, run.stderr);
    t.notRegex(run.stderr, /fault of orama/);
  }
});

test('invoke --async prints the request id', async (t) => {
  const server = await answeringServer((_request, response) => {
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
  const server = await answeringServer((_request, response) => {
    json(response, 500, { request_id: 'r3', status: 'error', error: 'exit code 1', duration_ms: 1 });
  });
  t.teardown(server.close);
  const run = await runCli(['function', 'invoke', 'hello'], { home, env: server.env });
  t.is(run.code, 1);
  t.is(run.stdout, '');
  t.is(run.stderr, 'error: exit code 1 (request r3)\nSee what it logged with: orama function logs hello\n');
});

test('a function that fails says why with its own output', async (t) => {
  const failed = { request_id: 'r4', status: 'error', error: 'exited with code 65', duration_ms: 1 };
  let output: object = { output: '{"error":"name is missing"}\n' };
  const server = await answeringServer((_request, response) => {
    json(response, 422, { ...failed, code: 'function_refused', ...output });
  });
  t.teardown(server.close);
  const said = async () => (await runCli(['invoke', 'hello'], { home, env: server.env })).stderr;
  const after =
    'It does not take this input, and would not on another attempt; see why with: orama function logs hello\n';
  const head = 'error: exited with code 65 (request r4)\n';
  t.is(await said(), `${head}Its output: {"error":"name is missing"}\n${after}`);
  output = { output: '\x1b[2J'.repeat(1000) };
  t.regex(await said(), /Its output: (\\x1b\[2J){500}…\n/, 'cut, and harmless to a terminal');
  output = { output_base64: '//4=' };
  t.is(await said(), `${head}Its output: //4=\n${after}`);
  output = {};
  t.is(await said(), head + after);
});

test('invoke --http refuses a namespace that no host name can name, and connects to nothing', async (t) => {
  let isReached = false;
  const functions = await httpServer(async (_request, response) => {
    isReached = true;
    response.end();
  });
  const server = await answeringServer((request, response) => {
    if (request.url.startsWith('/v1/auth/whoami')) json(response, 200, { namespace: 'Shop' });
    else json(response, 200, { functions_url: functions.url.replace('127.0.0.1', '{namespace}.localhost') });
  });
  t.teardown(functions.close);
  t.teardown(server.close);
  const run = await runCli(['invoke', '--http', 'POST /new'], { home, env: server.env });
  t.is(run.code, 1);
  t.regex(run.stderr, /^error: The namespace "Shop" has capital letters/);
  t.false(isReached);
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
  const server = await answeringServer((request, response) => {
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

test('the error of a function is printed as it is, also where it begins with the name of an option', async (t) => {
  const error = 'output is larger than 1 MB';
  const server = await answeringServer((_request, response) =>
    json(response, 500, { request_id: 'r1', status: 'error', error }),
  );
  t.teardown(server.close);
  const run = await runCli(['invoke', 'hello', '--data', 'x'], { home, env: server.env });
  t.true(run.stderr.startsWith(`error: ${error} (request r1)\n`), run.stderr);
});

test('a failed invoke --json prints the reply of the API on stdout and exits with 1', async (t) => {
  const reply = { request_id: 'r1', status: 'error', error: 'boom', duration_ms: 1, output: { n: 1 } };
  const server = await answeringServer((_request, response) => json(response, 500, reply));
  t.teardown(server.close);
  const run = await runCli(['invoke', 'hello', '--json'], { home, env: server.env });
  t.is(run.code, 1);
  t.deepEqual(JSON.parse(run.stdout), reply);
  t.regex(run.stderr, /^error: boom \(request r1\)\n/);
});

test('an HTTP request to a function without http says that it takes none', async (t) => {
  const functions = await httpServer((_request, response) => {
    json(response, 404, { error: 'There is no function at this address.', code: 'not_found' });
  });
  t.teardown(functions.close);
  const server = await answeringServer(({ url }, response) => {
    if (url.startsWith('/v1/status')) json(response, 200, { functions_url: functions.url });
    else if (url.startsWith('/v1/auth/whoami')) json(response, 200, { namespace: 'ns' });
    else json(response, 200, { version: 1, wasm_cid: 'bafy', settings: { name: 'boom', metadata: {} } });
  });
  t.teardown(server.close);
  const run = await runCli(['invoke', 'boom', '--http', 'GET /'], { home, env: server.env });
  t.is(run.code, 1);
  t.regex(
    run.stderr,
    /^error: boom is no HTTP function; add "http: \{\}" to its function\.yaml and deploy it, or call it without --http\n/,
  );
});

test('invoking a function that has only the handler event names the command that fires it', async (t) => {
  const error =
    'exited with code 65: NonRetryableError: The default export has no handler fetch, only event, and got: {}';
  const server = await answeringServer((_request, response) =>
    json(response, 422, { request_id: 'r1', status: 'error', error, code: 'function_refused' }),
  );
  t.teardown(server.close);
  const run = await runCli(['invoke', 'welcome'], { home, env: server.env });
  t.regex(
    run.stderr,
    /\nIt takes events only; fire it with "orama function publish <topic>", for a topic of: orama function triggers list welcome\n$/,
  );
});
