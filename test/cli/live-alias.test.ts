import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { runCli } from '../helpers/cli.js';
import { tempDir } from '../helpers/temp-dir.js';
import { answeringServer, json, RECORD } from './answering-server.js';

const home = tempDir();
const directory = join(home, 'hello');
mkdirSync(directory);
writeFileSync(join(directory, 'function.yaml'), 'name: hello\n');
writeFileSync(join(directory, 'function.wasm'), 'wasm bytes');

const LIVE = { alias: 'live', function: 'hello', version: 1, weights: {}, updated_at: RECORD.updated_at };
const RECORDS = [RECORD, { ...RECORD, version: 1 }];

/** Starts an engine with the function `hello` in the versions 3 and 1 and these aliases. */
async function engine(t: ExecutionContext, aliases: unknown[]) {
  const server = await answeringServer(({ method, url }, response) => {
    if (method === 'POST') json(response, 201, { message: 'deployed', function: RECORD });
    else if (url.endsWith('/aliases')) json(response, 200, { aliases, count: aliases.length });
    else if (url.endsWith('/versions')) json(response, 200, { versions: RECORDS, count: 2 });
    else if (url === '/v1/functions') json(response, 200, { functions: [RECORD], count: 1 });
    else json(response, 200, RECORD);
  });
  t.teardown(server.close);
  return (...args: string[]) => runCli(args, { home, env: server.env });
}

test('a deploy warns if the alias live keeps the calls on an older version', async (t) => {
  const stale = await engine(t, [LIVE]);
  const run = await stale('function', 'deploy', directory);
  t.is(run.code, 0, run.stderr);
  t.is(
    run.stderr,
    'warning: calls of hello still go to version 1 (alias live); move them with: orama function rollout hello --to 3, or: orama function alias set hello live 3\n',
  );
  for (const aliases of [[], [{ ...LIVE, alias: 'beta' }], [{ ...LIVE, version: 3 }]]) {
    t.is((await (await engine(t, aliases))('function', 'deploy', directory)).stderr, '');
  }
});

test('versions, get and list show what the alias live names, and --json prints the reply unchanged', async (t) => {
  const run = await engine(t, [{ ...LIVE, weights: { 3: 10 } }]);
  t.regex((await run('function', 'versions', 'hello')).stdout, /^3\t10 %\t.*\n1\t90 %\t/);
  t.regex((await run('function', 'get', 'hello@3')).stdout, /\nlive\t90 % version 1, 10 % version 3\n$/);
  t.regex((await run('function', 'list')).stdout, /^hello\t3\t90 % version 1, 10 % version 3\t/);
  t.deepEqual(JSON.parse((await run('function', 'get', 'hello', '--json')).stdout), RECORD);
});
