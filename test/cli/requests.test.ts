import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { runCli } from '../helpers/cli.js';
import { tempDir } from '../helpers/temp-dir.js';
import { answeringServer, json, RECORD } from './answering-server.js';

const home = tempDir();

test('deploy sends the settings as form fields and the module as a file', async (t) => {
  const server = await answeringServer((_request, response) => {
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
  const server = await answeringServer((_request, response) => json(response, 500, {}));
  t.teardown(server.close);
  const directory = join(home, 'invalid');
  mkdirSync(directory);
  writeFileSync(join(directory, 'function.yaml'), 'name: hello\nmemory: 512\n');
  const run = await runCli(['function', 'deploy', directory], { home, env: server.env });
  t.is(run.code, 1);
  t.is(run.stderr, 'error: function.yaml: memory must be a whole number from 1 to 256 MB, not 512\n');
  t.deepEqual(server.seen, []);
});

test('an error of the server is printed with a hint on what to do next', async (t) => {
  const server = await answeringServer((_request, response) => {
    json(response, 401, { error: 'The API key is not known', code: 'unauthorized' });
  });
  t.teardown(server.close);
  const run = await runCli(['function', 'list'], { home, env: server.env });
  t.is(run.code, 1);
  t.regex(run.stderr, /^error: The API key is not known\n.*orama login\n$/);
});

test('a reply that is not from an Orama engine exits with 1 and a hint about the address', async (t) => {
  const server = await answeringServer((_request, response) => response.end('<html>'));
  t.teardown(server.close);
  const run = await runCli(['function', 'list'], { home, env: server.env });
  t.is(run.code, 1);
  t.regex(run.stderr, /is the address right\?/);
});

test('the 504 of a proxy is not reported as the timeout of a function', async (t) => {
  const server = await answeringServer((_request, response) => {
    response.writeHead(504).end('<html>Gateway Timeout</html>');
  });
  t.teardown(server.close);
  const run = await runCli(['invoke', 'hello'], { home, env: server.env });
  t.is(run.code, 1);
  t.regex(run.stderr, /The server answered 504/);
  t.notRegex(run.stderr, /Raise "timeout"/);
});

test('lists are tab-separated lines in a pipe, and the unchanged reply with --json', async (t) => {
  const reply = { functions: [RECORD], count: 1, more: 'than this version knows' };
  const server = await answeringServer((_request, response) => json(response, 200, reply));
  t.teardown(server.close);
  const plain = await runCli(['function', 'list'], { home, env: server.env });
  t.is(plain.stdout, 'hello\t3\t\t64 MB\t30 s\tno\tfresh\t2026-01-01T00:00:00.000Z\n');
  const asJson = await runCli(['function', 'list', '--json'], { home, env: server.env });
  t.deepEqual(JSON.parse(asJson.stdout), reply);
});

test('the --namespace option is sent as a query parameter', async (t) => {
  const server = await answeringServer((_request, response) =>
    json(response, 200, { functions: [], count: 0 }),
  );
  t.teardown(server.close);
  await runCli(['function', 'list', '--namespace', 'other'], { home, env: server.env });
  t.is(server.seen[0]?.url, '/v1/functions?namespace=other');
});

test('hints after an error name CLI commands instead of API paths', async (t) => {
  const server = await answeringServer((request, response) => {
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
