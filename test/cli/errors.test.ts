import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { runCli } from '../helpers/cli.js';
import { startEngine } from '../helpers/running-engine.js';
import { shared } from '../helpers/shared.js';
import { tempDir } from '../helpers/temp-dir.js';
import { assemble } from '../helpers/wat.js';

const OK = '(module (memory (export "memory") 1) (func (export "_start")))';
const ID = '0199c5a0-0000-7000-8000-000000000009';

const home = tempDir();
mkdirSync(join(home, 'directory'));
mkdirSync(join(home, 'failing'));
writeFileSync(join(home, 'failing', 'function.yaml'), 'name: failing\nbuild: exit 3\n');
mkdirSync(join(home, 'unbuilt'));
writeFileSync(join(home, 'unbuilt', 'function.yaml'), 'name: unbuilt\n');
writeFileSync(join(home, 'key.der'), Buffer.from([0x30, 0x82, 0xff, 0x00]));
writeFileSync(join(home, 'large.bin'), Buffer.alloc((1 << 20) + 1));

/** An engine with the functions `hello` and `dead`, each of one version. */
const engine = shared(async () => {
  const running = await startEngine();
  const wasm = await assemble(OK);
  for (const name of ['hello', 'dead']) await running.api.deploy(name, wasm);
  return running;
});
async function orama(...args: string[]) {
  const { url, adminKey } = await engine();
  return runCli(args, { home, env: { ORAMA_URL: url, ORAMA_API_KEY: adminKey } });
}

const LIST = 'See what is there with: orama function list\n';
const NO_FUNCTION = 'error: There is no function "nosuch" in namespace "default".\n';
const VERSIONS = 'See its versions with: orama function versions hello\n';
const NO_NAME = 'error: A name or an id may not be empty, "." or ".."\n';

const FAILS: [args: string[], says: string][] = [
  [
    ['invoke', 'nosuch'],
    `${NO_FUNCTION}Deploy it from its directory with "orama function deploy", or see what is there with: orama function list\n`,
  ],
  [
    ['invoke', 'hello', '--version', '9'],
    `error: There is no version 9 of function "hello" in namespace "default".\n${VERSIONS}`,
  ],
  [
    ['invoke', 'hello@beta'],
    'error: Function "hello" has no alias "beta" in namespace "default".\n' +
      'See its aliases with: orama function alias list hello\n',
  ],
  [
    ['invoke', 'hello@newest'],
    'error: name may not end with "@newest": the name alone is the newest version, or the alias "live" where there is one\n',
  ],
  [
    ['invoke', 'hello', '--data', '@nosuch.json'],
    'error: Cannot read nosuch.json: there is no such file or directory (ENOENT); name a file, or - for stdin\n',
  ],
  [
    ['invoke', 'hello', '--data', '@directory'],
    'error: Cannot read directory: it is a directory (EISDIR); name a file, or - for stdin\n',
  ],
  [
    ['invoke', 'hello', '--data', '@large.bin'],
    'error: The body has 1048577 bytes; at most 1 MB (1048576 bytes) are allowed here.\n',
  ],
  [
    ['function', 'deploy', 'unbuilt', '--no-build'],
    'error: There is no function.wasm of unbuilt; deploy without --no-build\n',
  ],
  [
    ['invoke', 'bad name', '--http', 'GET /'],
    'error: name must be a function\'s name, name@version or name@alias, such as "resize", "resize@3" or "resize@live", not "bad name"\n',
  ],
  [
    ['function', 'secrets', 'set', 'KEY', '--from-file', 'key.der'],
    'error: The value in key.der is not UTF-8 text, as a secret must be; encode it, for example in base64\n',
  ],
  [['function', 'logs', 'nosuch', '--follow'], NO_FUNCTION + LIST],
  [['function', 'get', 'nosuch@2'], NO_FUNCTION + LIST],
  [['function', 'rollback', 'nosuch', '1'], NO_FUNCTION + LIST],
  [['function', 'alias', 'set', 'nosuch', 'live', '1'], NO_FUNCTION + LIST],
  [['function', 'alias', 'delete', 'nosuch', 'live'], NO_FUNCTION + LIST],
  [['function', 'rollout', 'nosuch', '--to', '1'], NO_FUNCTION + LIST],
  [['function', 'rollout', 'status', 'nosuch'], NO_FUNCTION + LIST],
  [['function', 'triggers', 'run', 'nosuch', ID], NO_FUNCTION + LIST],
  [['function', 'triggers', 'pause', 'nosuch', ID], NO_FUNCTION + LIST],
  [['function', 'triggers', 'delete', 'nosuch', ID], NO_FUNCTION + LIST],
  [
    ['function', 'rollout', 'abort', 'hello'],
    'error: Function "hello" has had no rollout in namespace "default".\n' +
      'Start one with: orama function rollout hello --to 2\n',
  ],
  [
    ['function', 'rollout', 'hello', '--to', '1', '--steps', '50,5'],
    'error: --steps must rise from step to step, not [50,5]\n',
  ],
  [
    ['function', 'alias', 'set', 'hello', 'live', '1', '--weight', '2=101'],
    'error: --weight for 2 must be a whole number from 1 to 100 percent, not 101\n',
  ],
  [
    ['function', 'dead', 'show', 'nosuch'],
    'error: the request id must be a UUID in lower case, not "nosuch"\nTake it from: orama function dead list\n',
  ],
  [
    ['invocations', 'cancel', 'nosuch'],
    'error: the request id must be a UUID in lower case, not "nosuch"\nTake it from: orama invocations list\n',
  ],
  [
    ['invocations', 'list', '--parent', 'nosuch'],
    'error: --parent must be a UUID in lower case, not "nosuch"\n',
  ],
  [
    ['keys', 'create', 'ci', '--scopes', 'all'],
    'error: --scopes must be "invoke" or "publish" or "read" or "deploy" or "secrets" or "data" or "keys" or "*", not "all"\n',
  ],
  [
    ['namespaces', 'usage', '--namespace', 'a/b'],
    'error: The namespace must be 1–64 letters, digits, "-" or "_", not "a/b"\n',
  ],
  [
    ['function', 'list', '--api-key', 'ключ'],
    'error: The API key may hold only letters, digits and signs of ASCII, and no blanks; give it whole with --api-key or ORAMA_API_KEY\n',
  ],
  [
    ['function', 'list', '--api-key', ''],
    'error: The API key is empty; leave out --api-key or give the key\n',
  ],
  [
    ['invoke', 'hello', '-d', '@'],
    'error: After "@" the name of a file is missing, such as @input.json; - is stdin\n',
  ],
  [['deploy', 'nope'], 'error: There is no directory nope\n'],
  [['function', 'build', 'failing'], 'error: exit 3 ended with exit code 3 and printed nothing\n'],
  [['invoke', ''], NO_NAME],
  [['function', 'secrets', 'delete', '.', '--force'], NO_NAME],
];

for (const [args, says] of FAILS) {
  test(`"orama ${args.join(' ')}" fails with a sentence in terms of the command line`, async (t) => {
    const run = await orama(...args);
    t.is(run.stderr, says);
    t.is(run.code, 1);
    t.is(run.stdout, '');
  });
}

const WRONG: [args: string[], says: RegExp][] = [
  [['function', 'init', 'a b'], /^error: name must be 1–64 letters, digits, "-" or "_", not "a b"\n/],
  [['init', 'functions/x'], /not "functions\/x"; to make it elsewhere, change to functions first\n/],
  [['init', 'hello/'], /not "hello\/"\n/],
  [['invoke', 'hello@1', '--version', '2'], /the version is given twice, by hello@1 and by --version\n/],
  [['invoke', 'hello', '--async', '--delay', '604801'], /a whole number from 0 to 604800\./],
  [['invoke', 'hello', '--version', '99999999999999999999'], /a whole number from 1 to 999999999\./],
  [['invoke', 'hello', '--idempotency-key', 'a\nb'], /It must be 1–255 letters, digits and/],
  [['invoke', 'hello', '--idempotency-key', '€'], /It must be 1–255 letters, digits and/],
  [['invoke', '--http', 'GET /', '-H', 'A: €'], /It must read 'Name: value'/],
  [['function', 'rollout', 'hello', '--to', '1', '--every', '2d'], /from 1 to 86400 seconds/],
  [['keys', 'create', 'ci', '--expires', '2099-02-30'], /It must be a time to come/],
  [['keys', 'create', 'ci', '--expires', '2/30/2099'], /It must be a time to come/],
  [['invocations', 'list', '--since', '2026-02-30T00:00:00Z'], /It must be a time such as/],
  [['invocations', 'list', '--before', 'Feb 30 2026'], /It must be a time such as/],
  [['function', 'dead', 'list', '--since', '2026-01-31T24:30:00Z'], /It must be a time such as/],
  [['function', 'logs', 'hello', '--since', '9999999d'], /It must be a time such as/],
];

for (const [args, says] of WRONG) {
  test(`"orama ${args.join(' ')}" is wrong usage: exit code 2`, async (t) => {
    const run = await orama(...args);
    t.regex(run.stderr, says);
    t.is(run.code, 2);
  });
}

test('a name that a URL resolves away deletes nothing else', async (t) => {
  const { api } = await engine();
  for (const args of [
    ['function', 'triggers', 'delete', 'hello', '..'],
    ['function', 'alias', 'delete', 'hello', '..'],
    ['function', 'dead', 'purge', '.', '--force'],
    ['function', 'delete', '.', '--force'],
  ]) {
    t.deepEqual(await orama(...args), { code: 1, stdout: '', stderr: NO_NAME }, args.join(' '));
  }
  for (const name of ['hello', 'dead']) t.is((await api.get(`/v1/functions/${name}`)).status, 200, name);
});

test('what the network did is said in words of ours, and what is no engine is recognised', async (t) => {
  const { url } = await engine();
  const hint = 'Start an engine with "orama up", or name another with --url or ORAMA_URL.\n';
  const tls = url.replace('http:', 'https:');
  t.is(
    (await orama('status', '--url', tls)).stderr,
    `error: No engine answers at ${tls}: it does not speak TLS as expected\n${hint}`,
  );
  const { functions_url } = (await (await fetch(`${url}/v1/status`)).json()) as { functions_url: string };
  for (const wrong of [`${url}/elsewhere`, functions_url]) {
    t.is(
      (await orama('status', '--url', wrong)).stderr,
      'error: The engine does not know this command; is its URL right, and its version?\n',
      wrong,
    );
  }
});
