import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';

const root = join(import.meta.dirname, '..', '..', '..');
const CONFIG = `export default { files: ['only.test.js'], require: [${JSON.stringify(
  join(root, 'dist', 'test', 'helpers', 'exit-when-done.js'),
)}] };`;
const FAILS_BEFORE_IT_CLOSES = `import { createServer } from 'node:http';
import test from 'ava';
test('a server', async (t) => {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.is(1, 2);
  server.close();
});`;
const CLOSES = FAILS_BEFORE_IT_CLOSES.replace('t.is(1, 2)', 't.is(1, 1)');

/** Runs ava on one file in a separate project that can resolve the packages of this one. */
async function runAva(
  t: ExecutionContext,
  source: string,
  graceMs: number,
): Promise<{ code: number | null; said: string }> {
  await mkdir(join(root, '.build'), { recursive: true });
  const directory = await mkdtemp(join(root, '.build', 'ava-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  await writeFile(join(directory, 'package.json'), '{"type": "module"}');
  await writeFile(join(directory, 'ava.config.js'), CONFIG);
  await writeFile(join(directory, 'only.test.js'), source);
  const ava = spawn(process.execPath, [join(root, 'node_modules/ava/entrypoints/cli.mjs')], {
    cwd: directory,
    env: { PATH: process.env.PATH, TEST_EXIT_GRACE_MS: String(graceMs) },
  });
  let said = '';
  for (const stream of [ava.stdout, ava.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      said += part;
    });
  }
  await once(ava, 'close');
  return { code: ava.exitCode, said };
}

test('a failed test that leaves a server open ends the suite with an error that names the open handle', async (t) => {
  const { code, said } = await runAva(t, FAILS_BEFORE_IT_CLOSES, 500);
  t.is(code, 1);
  t.regex(said, /1 test failed/);
  t.regex(said, /still open \(.*TCPServerWrap.*\)/);
});

test('a test file that closes its server exits without a message about open handles', async (t) => {
  const { code, said } = await runAva(t, CLOSES, 60_000);
  t.is(code, 0, said);
  t.false(said.includes('still open'));
});
