import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { buildFunction } from '../../src/cli/build/build.js';
import { needsBuild } from '../../src/cli/function-directory.js';
import { tempDir } from '../helpers/temp-dir.js';

const root = tempDir();
const BUILT = new Date('2026-01-01T00:00:00Z');
const LATER = new Date('2026-01-02T00:00:00Z');

function write(path: string, at: Date): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '');
  utimesSync(path, at, at);
}

test('a file of any type that is newer than the module needs a build, but no generated or hidden one', async (t) => {
  const CASES: [file: string, needs: boolean][] = [
    ['main.zig', true],
    ['pages/index.tmpl', true],
    ['index.ts', true],
    ['function.yaml', false],
    ['target/debug/x.rs', false],
    ['node_modules/a/index.js', false],
    ['.git/index', false],
  ];
  for (const [number, [file, needs]] of CASES.entries()) {
    const directory = join(root, String(number));
    write(join(directory, 'function.wasm'), BUILT);
    write(join(directory, 'old.c'), BUILT);
    t.false(await needsBuild(directory));
    write(join(directory, file), LATER);
    t.is(await needsBuild(directory), needs, file);
  }
});

test('a file that is saved during a build is newer than the module, which needs another build', async (t) => {
  const directory = join(root, 'saved');
  write(join(directory, 'index.ts'), BUILT);
  const build = 'echo module > function.wasm';
  await buildFunction(directory, `echo saved > index.ts; ${build}`);
  t.true(await needsBuild(directory));
  // As long as the clock of files may be behind, or more.
  await delay(50);
  await buildFunction(directory, build);
  t.false(await needsBuild(directory));
});
