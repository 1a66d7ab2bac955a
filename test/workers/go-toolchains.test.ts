import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { choose } from '../../workers/wasm/warm/choose.js';
import { createFreshProgram } from '../../workers/wasm/warm/fresh.js';
import { goFunctions } from '../../workers/wasm/warm/go-functions.js';
import { goHiddenDraws } from '../../workers/wasm/warm/go-hidden-draws.js';
import { goShape } from '../../workers/wasm/warm/go-shape.js';
import { readSource } from '../../workers/wasm/warm/source.js';
import { guest } from '../helpers/guests.js';

const run = promisify(execFile);

/**
 * Downloads every toolchain (70 MB each) from this minor version on that the module proxy has, and
 * tests it. Run it when a new version of Go is released: `TEST_GO_TOOLCHAINS=1.24 npx ava
 * test/workers/go-toolchains.test.ts`.
 */
const oldest = process.env.TEST_GO_TOOLCHAINS;
const each = oldest === undefined ? test.skip : test;

/**
 * Functions in which the runtime generates random numbers for itself, in every version that starts
 * as go-command.
 */
const DRAWING = [
  'internal/runtime/maps.NewMap',
  'runtime.makemap_small',
  'runtime.schedinit',
  'runtime.mrandinit',
];

test('wrappers, functions and hidden random draws are found in a module of the local Go compiler', async (t) => {
  const source = readSource(await guest('package-state.go'), 64);
  const shape = goShape(source.module);
  for (const name of ['fd_read', 'fd_write', 'clock_time_get', 'random_get', 'poll_oneoff']) {
    t.true(shape.wrappers.has(`wasi_snapshot_preview1.${name}`), name);
  }
  const functions = goFunctions(source.module, shape);
  const draws = goHiddenDraws(source.module, shape);
  t.not(draws?.watched ?? null, null);
  for (const name of DRAWING) {
    const body = (functions?.get(name) ?? -1) - source.module.importedFunctions;
    t.true((draws?.calls.get(body)?.size ?? 0) > 0, name);
  }
});

each('every Go toolchain of the module proxy builds programs that start as go-command', async (t) => {
  t.timeout(3_600_000);
  const listed = await run('go', ['list', '-m', '-versions', 'golang.org/toolchain']);
  const { stdout: own } = await run('go', ['env', 'GOHOSTOS', 'GOHOSTARCH']);
  const platform = own.trim().split('\n').join('-');
  const versions = new Map<string, string>();
  for (const version of listed.stdout.split(/\s+/)) {
    const found = /^v0\.0\.1-go(\d+\.\d+)\.(\d+)\.(.*)$/.exec(version);
    if (found?.[3] === platform) versions.set(`${found[1]}`, `${found[1]}.${found[2]}`);
  }
  const minor = (version: string) => Number(version.split('.')[1]);
  const tried = [...versions]
    .filter(([version]) => minor(version) >= minor(oldest ?? ''))
    .map(([, patch]) => patch);
  t.true(tried.length > 0);
  const directory = await mkdtemp(join(tmpdir(), 'go-toolchains-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const program =
    'package main\nimport ("fmt"; "io"; "os")\nfunc main() { b, _ := io.ReadAll(os.Stdin); fmt.Println(len(b)) }\n';
  await writeFile(join(directory, 'main.go'), program);
  await writeFile(join(directory, 'go.mod'), 'module hello\n\ngo 1.21\n');
  for (const version of tried) {
    const env = { ...process.env, GOTOOLCHAIN: `go${version}`, GOOS: 'wasip1', GOARCH: 'wasm' };
    await run('go', ['build', '-o', 'hello.wasm', '.'], { cwd: directory, env });
    const source = readSource(new Uint8Array(await readFile(join(directory, 'hello.wasm'))), 64);
    const { program: chosen, note } = choose(source, createFreshProgram(source), 'hello', 'probe');
    t.is(chosen.strategy, 'go-command', `go${version}: ${note}`);
  }
});
