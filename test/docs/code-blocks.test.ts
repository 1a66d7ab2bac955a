import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { globSync } from 'tinyglobby';
import { parse } from 'yaml';
import { parseManifest } from '../../src/cli/yaml/manifest.js';
import { parseProject } from '../../src/cli/yaml/project-file.js';
import { httpGuest } from '../helpers/http-guest.js';
import { probeWasm } from '../helpers/probe.js';
import { startEngine } from '../helpers/running-engine.js';
import { tempDir } from '../helpers/temp-dir.js';
import { codeBlocks } from './code-blocks.js';

const run = promisify(execFile);
const home = tempDir();
const aDirectory = () => mkdtempSync(join(home, 'block-'));
const blocks = codeBlocks();
const of = (...languages: string[]) =>
  blocks.filter(({ language, notRun }) => languages.includes(language) && notRun === null);

test('every code block has a language that one of these tests checks or is marked as not run', (t) => {
  const known = ['sh', 'yaml', 'json', 'ts', 'go', 'ini', ''];
  t.deepEqual(
    blocks.filter(({ language, notRun }) => !known.includes(language) && notRun === null),
    [],
  );
  t.true(of('sh').length >= 9);
  t.true(of('ts').length >= 4);
  t.true(of('yaml').length >= 8);
  t.true(of('json').length >= 6);
  t.true(of('go').length >= 1);
});

test('JSON blocks are valid JSON', (t) => {
  for (const { place, text } of of('json')) t.notThrows(() => JSON.parse(text), place);
});

test('YAML blocks with function or project settings are accepted by the engine', (t) => {
  let settings = 0;
  for (const { place, text } of of('yaml')) {
    const value: object = parse(text);
    if ('functions' in value) {
      t.notThrows(() => parseProject(text.replace(/\$\{\w+\}/g, 'http://127.0.0.1:4000')), place);
    } else if (isManifest(value)) {
      t.notThrows(() => parseManifest(text), place);
    } else continue;
    settings += 1;
  }
  t.true(settings >= 6);
});

/** CI workflows may have a name as well. */
function isManifest(value: object): boolean {
  return 'name' in value && !('jobs' in value);
}

test('TypeScript blocks type-check with the types of the SDK', async (t) => {
  const directory = aDirectory();
  for (const [index, { text, place }] of of('ts').entries()) {
    writeFileSync(join(directory, `block-${index}.ts`), `// ${place}\n${text}\nexport {};\n`);
  }
  // The packages that npm would install.
  symlinkSync(resolve('node_modules'), join(directory, 'node_modules'));
  const sdk = resolve('sdk/javascript/orama');
  const compilerOptions = {
    ...{ target: 'es2023', lib: ['es2023'], module: 'esnext', moduleResolution: 'bundler' },
    ...{ types: [join(sdk, 'globals')], paths: { orama: [join(sdk, 'index.d.ts')] } },
    ...{ strict: true, noEmit: true, skipLibCheck: true },
  };
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  const tsc = resolve('node_modules/typescript/bin/tsc');
  const said = await run(process.execPath, [tsc, '-p', directory]).catch((error) => error.stdout);
  t.is(typeof said === 'string' ? said : '', '');
});

test('Go blocks are programs that compile', async (t) => {
  for (const { place, text } of of('go')) {
    const directory = aDirectory();
    writeFileSync(join(directory, 'main.go'), text);
    writeFileSync(join(directory, 'go.mod'), 'module block\n\ngo 1.24\n');
    const env = { ...process.env, GOOS: 'wasip1', GOARCH: 'wasm', GOPROXY: 'off' };
    await t.notThrowsAsync(run('go', ['build', '-o', '/dev/null', '.'], { cwd: directory, env }), place);
  }
});

test('shell blocks run without an error', async (t) => {
  t.timeout(240_000);
  const engine = await startEngine();
  t.teardown(engine.close);
  const probe = await probeWasm();
  // Deploy what the pages assume.
  for (const name of ['hello', 'hello', 'hello', ...Array<string>(8).fill('resize')]) {
    t.is((await engine.api.deploy(name, probe)).status, 201);
  }
  const metadata = JSON.stringify({ http: { routes: ['GET /users/{id}'] } });
  t.is((await engine.api.deploy('users', await httpGuest(), { metadata })).status, 201);

  const bin = aDirectory();
  const program = (name: string, text: string) => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  program('orama', `exec "${process.execPath}" "${resolve('dist/app/orama.js')}" "$@"`);
  program('producer', `echo '{"order": 1}'`);
  const env = {
    ...process.env,
    PATH: `${bin}:${process.env.PATH ?? ''}`,
    HOME: bin,
    ORAMA_URL: engine.url,
    ORAMA_API_KEY: engine.adminKey,
  };
  for (const { place, text } of of('sh')) {
    const cwd = aDirectory();
    const files = {
      'input.json': '[]',
      'user.json': '{"name": "Ada"}',
      'orders.ndjson': '{"order": 1}\n\n{"order": 2}\n',
      'secret.txt': 'secret',
    };
    for (const [name, content] of Object.entries(files)) writeFileSync(join(cwd, name), content);
    await t.notThrowsAsync(run('bash', ['-euo', 'pipefail', '-c', text], { cwd, env }), `${place}\n${text}`);
  }
});

test('every page of the documentation is listed in the sidebar', async (t) => {
  const config: { SECTIONS: [string, string[]][] } = await import(resolve('docs/.vitepress/config.mjs'));
  const pages = globSync('docs/*.md').map((path) => basename(path, '.md'));
  const listed = config.SECTIONS.flatMap(([, names]) => names);
  t.deepEqual([...listed, 'index'].sort(), pages.sort());
});
