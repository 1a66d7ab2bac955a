import { execFile, execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { MB } from '../../src/contract/limits.js';
import { notRun } from '../helpers/not-run.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { readyLine } from '../helpers/ready-line.js';
import { endProcess } from '../helpers/server-process.js';
import { tempDir } from '../helpers/temp-dir.js';

const run = promisify(execFile);
/**
 * Optional peer dependencies of knex and bullmq, which load them only if their database is
 * configured.
 */
const OPTIONAL = [
  ...['@valkey/valkey-glide', 'better-sqlite3', 'bufferutil', 'mariadb', 'mysql', 'mysql2', 'oracledb', 'pg'],
  ...['pg-query-stream', 'sqlite3', 'tedious', 'utf-8-validate'],
];
/** Needed only to write functions in its language. */
const ASKED_FOR = ['assemblyscript'];

/** A caller of functions that uses only the client package. */
const CLIENT = `import { createClient } from 'orama-functions-client';
  const [url, apiKey] = process.argv.slice(1);
  console.log((await createClient({ url, apiKey }).invoke('hello', { name: 'Grace' })).text());`;

const directory = tempDir();
const installed = join(directory, 'installed');
const packageDirectory = join(installed, 'node_modules', 'orama-functions');
const manifest: { dependencies: Record<string, string> } = JSON.parse(readFileSync('package.json', 'utf8'));

/** Further major versions of Node, which .ci/run downloads from npm. */
const MAJORS = [22, 24];
const nodeOf = (major: number) =>
  resolve(`.build/node-${major}/node_modules/node-${process.platform}-${process.arch}/bin/node`);
/** Paths of further Node versions in TEST_NODES, separated as in PATH. */
const named = (process.env.TEST_NODES ?? '').split(delimiter).filter((path) => path);
const nodes = [process.execPath, ...MAJORS.map(nodeOf).filter(existsSync), ...named];
for (const major of MAJORS.filter((each) => !existsSync(nodeOf(each)))) {
  notRun(`node: not found, the installed package not run on Node ${major}`);
}

let files: string[] = [];

test.before(
  'npm packs the engine and the client, and installs the tarballs in an empty directory',
  async () => {
    const engine = await pack('.');
    files = engine.files;
    const client = await pack('clients/typescript');
    mkdirSync(installed);
    // With npm's default setting for install scripts, which users have, and not that of this
    // repository.
    const tarballs = [engine.tarball, client.tarball];
    await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...tarballs], {
      cwd: installed,
      env: userEnvironment(),
    });
  },
);

async function pack(cwd: string): Promise<{ tarball: string; files: string[] }> {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', directory];
  const { stdout } = await run('npm', args, { cwd });
  const [packed] = JSON.parse(stdout);
  return {
    tarball: join(directory, packed.filename),
    files: packed.files.map((file: { path: string }) => file.path),
  };
}

test('the tarball has the licence, those of what is bundled, the scripts for Redis, and no tests, benches or source maps', (t) => {
  for (const file of [
    'LICENSE',
    'README.md',
    'dist/THIRD_PARTY_LICENSES.txt',
    'dist/app/orama.js',
    ...['queues/drivers/redis', 'src/cache/drivers', 'src/presence/drivers'].flatMap((folder) =>
      readdirSync(`${folder}/lua`)
        .filter((name) => name.endsWith('.lua'))
        .map((name) => `dist/${folder}/lua/${name}`),
    ),
    'deploy/systemd/orama-web.service',
  ]) {
    t.true(files.includes(file), file);
  }
  t.deepEqual(
    files.filter((file) => /(^|\/)(test|bench)\/|\.map$|\.tsbuildinfo$/.test(file)),
    [],
  );
  const licences = readFileSync('dist/THIRD_PARTY_LICENSES.txt', 'utf8');
  t.regex(licences, /^wasi-js@[\d.]+: MIT$/m);
  t.regex(licences, /^bullmq@[\d.]+: MIT$/m);
});

test('every import of the program is bundled, part of Node.js or a dependency', (t) => {
  const { external }: { external: string[] } = JSON.parse(readFileSync('dist/bundle.json', 'utf8'));
  const names = external.filter((path) => !path.startsWith('node:')).map(packageOf);
  const known = [...builtinModules, ...Object.keys(manifest.dependencies), ...OPTIONAL, ...ASKED_FOR];
  t.deepEqual(
    [...new Set(names)].filter((name) => !known.includes(name)),
    [],
  );
});

test('the installation is at most 120 MB and contains neither compilers nor wasi-js', (t) => {
  const modules = join(installed, 'node_modules');
  const size = sizeOf(modules);
  t.true(size <= 120 * MB, `${(size / MB).toFixed(1)} MB`);
  for (const name of ['wasi-js', 'assemblyscript', 'binaryen', 'typescript']) {
    t.false(existsSync(join(modules, name)), name);
  }
  // docs/releasing.md lists the five largest packages.
  const largest = packagesIn(modules)
    .map((name) => ({ name, megabytes: Math.round(sizeOf(join(modules, name)) / MB) }))
    .sort((a, b) => b.megabytes - a.megabytes)
    .slice(0, 5);
  t.log(largest.map(({ name, megabytes }) => `${name} ${megabytes} MB`).join(', '));
  const page = readFileSync('docs/releasing.md', 'utf8');
  for (const { name } of largest) {
    const listed = name.replace(/^@libsql\/.+/, '@libsql/').replace(/^@esbuild\/.+/, '@esbuild/');
    t.true(page.includes(`| \`${listed}`), `${name} is not in the table of docs/releasing.md`);
  }
});

for (const node of nodes) {
  test.serial(`the installed package starts, deploys and runs functions on ${versionOf(node)}`, async (t) => {
    t.timeout(300_000);
    const home = join(directory, `home-${nodes.indexOf(node)}`);
    mkdirSync(join(home, 'probe'), { recursive: true });
    writeFileSync(join(home, 'probe', 'function.yaml'), 'name: probe\n');
    writeFileSync(join(home, 'probe', 'function.wasm'), await probeWasm());
    const env = { PATH: process.env.PATH, HOME: home };
    const program = join(packageDirectory, 'dist', 'app', 'orama.js');

    const engine = spawn(node, [program, 'up', '--port', '0'], { cwd: home, env });
    t.teardown(() => endProcess(engine));
    let log = '';
    engine.stderr.setEncoding('utf8').on('data', (part: string) => {
      log += part;
    });
    const url = await readyLine(engine, /listening on (http\S+)/, () => log);

    const orama = async (...args: string[]) =>
      (await run(node, [program, ...args], { cwd: home, env })).stdout;
    t.regex(await orama('function', 'deploy', 'probe'), /^Deployed probe version 1 /);
    // A function that uses a database: functions' SQL runs in processes that the program starts.
    const input = commands({ op: 'query', a: 'select 41 + 1 as answer', b: '[]' });
    t.regex(await orama('function', 'invoke', 'probe', '--data', input), /answer.+42/);
    // A function that is created and built by the installed package.
    await orama('function', 'init', 'hello');
    t.regex(await orama('function', 'deploy', 'hello'), /^Deployed hello version 1 /);
    t.regex(await orama('function', 'invoke', 'hello', '--data', '{"name":"Ada"}'), /Ada/);
    const key = readFileSync(join(home, '.orama', 'admin-key'), 'utf8').trim();
    const { stdout } = await run(node, ['--input-type=module', '-e', CLIENT, url, key], {
      cwd: installed,
      env,
    });
    t.regex(stdout, /Grace/);
    await endProcess(engine, 'SIGTERM');
    t.is(engine.exitCode, 0, log);
  });
}

test('building an AssemblyScript function without the compiler fails with the command that installs one', async (t) => {
  const home = join(directory, 'author');
  mkdirSync(home);
  const program = join(packageDirectory, 'dist', 'app', 'orama.js');
  const orama = (...args: string[]) => run(process.execPath, [program, ...args], { cwd: home });
  await orama('function', 'init', 'hello', '--lang', 'assemblyscript');
  const error = await t.throwsAsync(orama('function', 'build', 'hello'));
  t.regex(error?.message ?? '', /npm install --save-dev assemblyscript/);
});

test('the package passes publint and arethetypeswrong', async (t) => {
  const copy = join(directory, 'checked');
  mkdirSync(copy);
  const tarball = readdirSync(directory).find((name) => /^orama-functions-\d.*\.tgz$/.test(name)) ?? '';
  cpSync(join(directory, tarball), join(copy, 'package.tgz'));
  for (const [tool, ...args] of [
    ['publint/src/cli.js', '--strict'],
    ['@arethetypeswrong/cli/dist/index.js', '--no-color'],
  ]) {
    await t.notThrowsAsync(
      run(process.execPath, [`node_modules/${tool}`, ...args, join(copy, 'package.tgz')]),
      tool,
    );
  }
});

/** Returns the environment without what npm sets from this repository's .npmrc. */
function userEnvironment(): NodeJS.ProcessEnv {
  const repository = /^npm_(config_(ignore_scripts|fund|audit|local_prefix)|package|lifecycle|execpath)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !repository.test(name)));
}

function versionOf(node: string): string {
  return execFileSync(node, ['-p', '"Node " + process.versions.node.split(".")[0]']).toString().trim();
}

function packageOf(path: string): string {
  return path.split('/', path.startsWith('@') ? 2 : 1).join('/');
}

function packagesIn(modules: string): string[] {
  return readdirSync(modules)
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) =>
      name.startsWith('@') ? readdirSync(join(modules, name)).map((each) => join(name, each)) : [name],
    );
}

function sizeOf(path: string): number {
  const status = lstatSync(path);
  if (!status.isDirectory()) return status.size;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}
