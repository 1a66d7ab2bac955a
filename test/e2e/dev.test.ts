import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { startEngine, type TestEngine } from '../helpers/running-engine.js';
import { shared } from '../helpers/shared.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const home = tempDir();
/** The tests deploy functions of different names. */
const sharedEngine = shared(startEngine);

/** The smallest module, with an empty _start. */
const EMPTY =
  '\\0asm\\1\\0\\0\\0\\1\\4\\1\\140\\0\\0\\3\\2\\1\\0\\7\\12\\1\\6_start\\0\\0\\12\\4\\1\\2\\0\\13';

test('function dev deploys every change, reports an invalid one, prints the log and exits on SIGTERM', async (t) => {
  const engine = await sharedEngine();
  const directory = join(home, 'watched');
  mkdirSync(directory);
  const manifest = (rest: string) =>
    writeFileSync(
      join(directory, 'function.yaml'),
      `name: watched\nbuild: "printf '${EMPTY.replaceAll('\\', '\\\\')}' > function.wasm"\n${rest}`,
    );
  manifest('memory: 8');

  const { said, endsWell } = startDev(t, engine, directory);
  const says = (text: string) => until(text, async () => said().includes(text));

  await says('Deployed watched version 1');
  const changes = (rest: string, answer: string) => {
    manifest(rest);
    return says(answer);
  };
  await changes('memory: 512', 'memory must be a whole number from 1 to 256 MB, not 512');
  await changes('memory: 16', 'Deployed watched version 2');

  t.is((await engine.api.invoke('watched', '')).status, 200);
  await says(' success http v');
  await endsWell();
});

test('function dev prints the log of a function whose first build failed', async (t) => {
  const engine = await sharedEngine();
  const directory = join(home, 'mended');
  mkdirSync(directory);
  const manifest = (build: string) =>
    writeFileSync(join(directory, 'function.yaml'), `name: mended\nbuild: "${build}"\n`);
  manifest('false');
  const { said, endsWell } = startDev(t, engine, directory);
  await until('the failed build', async () => said().includes('false ended with exit code 1'));
  manifest(`printf '${EMPTY.replaceAll('\\', '\\\\')}' > function.wasm`);
  await until('the deploy', async () => said().includes('Deployed mended version 1'));
  t.is((await engine.api.invoke('mended', '')).status, 200);
  await until('the log', async () => said().includes(' success http v1'));
  t.notRegex(said(), /There is no function/);
  await endsWell();
});

test('function dev deploys a change that is saved during the first build', async (t) => {
  const engine = await sharedEngine();
  const directory = join(home, 'slow');
  mkdirSync(directory);
  const started = join(home, 'started');
  const build = `touch ${started}; sleep 1; printf '${EMPTY.replaceAll('\\', '\\\\')}' > function.wasm`;
  const manifest = (memory: number) =>
    writeFileSync(join(directory, 'function.yaml'), `name: slow\nbuild: "${build}"\nmemory: ${memory}\n`);
  manifest(8);
  const { endsWell } = startDev(t, engine, directory);
  await until('the first build', async () => existsSync(started));
  manifest(16);
  await until('the version that was saved meanwhile', async () => {
    const { json } = await engine.api.get('/v1/functions/slow');
    return json.version === 2 && json.memory_limit_mb === 16;
  });
  await endsWell();
});

/**
 * Runs `orama function dev` in a directory, against an engine. `said` returns what it has printed.
 */
function startDev(t: ExecutionContext, engine: TestEngine, directory: string) {
  const child = spawn(process.execPath, ['dist/app/orama.js', 'function', 'dev', directory], {
    env: { PATH: process.env.PATH, HOME: home, ORAMA_URL: engine.url, ORAMA_API_KEY: engine.adminKey },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
  }
  /** Ends it as a user does. */
  const endsWell = async () => {
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    t.is(code, 0, text);
  };
  return { said: () => text, endsWell };
}
