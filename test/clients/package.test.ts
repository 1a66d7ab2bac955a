import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { startClientEngine } from '../helpers/client-engine.js';
import { codeBlocks } from '../helpers/readme.js';
import { shared } from '../helpers/shared.js';
import { tempDir } from '../helpers/temp-dir.js';

const run = promisify(execFile);
const started = shared(startClientEngine);
const home = tempDir();
const modules = join(home, 'node_modules');

let tarball = '';
let files: string[] = [];

test.before('npm packs the TypeScript client', async () => {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', home];
  const { stdout } = await run('npm', args, { cwd: 'clients/typescript' });
  const [packed] = JSON.parse(stdout);
  tarball = join(home, packed.filename);
  files = packed.files.map((file: { path: string }) => file.path);
  mkdirSync(join(modules, 'orama-functions-client'), { recursive: true });
  await run('tar', ['-xzf', tarball, '--strip-components=1', '-C', join(modules, 'orama-functions-client')]);
  symlinkSync(resolve('node_modules/ws'), join(modules, 'ws'));
});

test('the client tarball contains code, types, licence and README, and has no dependencies', (t) => {
  for (const file of ['LICENSE', 'README.md', 'dist/index.js', 'dist/index.d.ts']) {
    t.true(files.includes(file), file);
  }
  t.deepEqual(
    files.filter((file) => /^src\/|\.map$|tsbuildinfo/.test(file)),
    [],
  );
  const manifest = JSON.parse(readFileSync('clients/typescript/package.json', 'utf8'));
  t.is(manifest.dependencies, undefined);
});

test('the client tarball passes publint and arethetypeswrong', async (t) => {
  for (const [tool, ...args] of [
    ['publint/src/cli.js', '--strict'],
    // With `require` it is an ES module, which Node supports since 20.19.
    ['@arethetypeswrong/cli/dist/index.js', '--no-color', '--profile', 'esm-only'],
  ]) {
    await t.notThrowsAsync(run(process.execPath, [`node_modules/${tool}`, ...args, tarball]), tool);
  }
});

test('the packed client uses no Node.js APIs, and its browser bundle is smaller than 20 kB', async (t) => {
  for (const file of files.filter((path) => path.endsWith('.js'))) {
    const text = readFileSync(join(modules, 'orama-functions-client', file), 'utf8');
    t.notRegex(text, /\b(Buffer|process)\.|\brequire\(|from '(?!\.)/, file);
  }
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    stdin: { contents: "export * from 'orama-functions-client'", resolveDir: home },
    ...{ bundle: true, minify: true, platform: 'browser', format: 'esm', write: false },
  });
  const [bundle] = outputFiles;
  t.true(bundle !== undefined && bundle.contents.length < 20_000, `${bundle?.contents.length} bytes`);
});

for (const [at, example] of codeBlocks('clients/typescript/README.md', 'js').entries()) {
  test(`README example ${at + 1} of the TypeScript client runs with the packed client`, async (t) => {
    const { env } = await started();
    const file = join(home, `example-${at}.mjs`);
    writeFileSync(file, example);
    const { stdout } = await run(process.execPath, [file], { env: { ...process.env, ...env }, cwd: home });
    if (at === 0) {
      t.regex(
        stdout,
        /^\{ name: 'Ada' \} 1 [0-9a-f-]{36}\nsuccess \{"name":"Grace"\}\nfunction_not_found 404 /,
      );
    } else {
      t.is(stdout, '{ id: 7 }\n');
    }
  });
}

test('the engine package contains no files of the clients', async (t) => {
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts']);
  const [{ files: engine }]: [{ files: { path: string }[] }] = JSON.parse(stdout);
  t.true(engine.length > 50);
  t.deepEqual(
    engine.map(({ path }) => path).filter((path) => /clients\/|oramaclient/.test(path)),
    [],
  );
});
