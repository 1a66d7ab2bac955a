import fs, { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { watchSources } from '../../src/cli/watch-sources.js';
import { succeeds } from '../helpers/succeeds.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const root = tempDir();
const others = tempDir();

test('watching continues when a directory is deleted while it is listed', async (t) => {
  const list = fs.readdirSync;
  let isArmed = false;
  let isDeleted = false;
  // A new directory is listed after it has been found to exist.
  const deleteFirst = (...args: Parameters<typeof list>) => {
    if (String(args[0]).endsWith('/gone') && isArmed && !isDeleted) {
      // Before the deletion, which lists the directory, too.
      isDeleted = true;
      rmSync(String(args[0]), { recursive: true });
    }
    return list(...args);
  };
  const setList = (readdirSync: unknown) => {
    Object.assign(fs, { readdirSync });
    syncBuiltinESMExports();
  };
  setList(deleteFirst);
  t.teardown(() => setList(list));

  const { seen, errors } = watched(t, root, async () => {});
  isArmed = true;
  mkdirSync(join(root, 'gone'));
  if (process.platform === 'linux') await until('the deletion', async () => isDeleted);
  await until('a later change', () => {
    writeFileSync(join(root, 'index.ts'), String(Math.random()));
    // A burst of changes ends with a pause.
    return succeeds(until('it is seen', () => seen().includes('index.ts'), 500));
  });
  t.deepEqual(errors, []);
});

test('files of every type are watched, but not generated ones, logs and backups of editors', async (t) => {
  const directory = join(others, 'types');
  for (const part of ['pages', 'node_modules', '.git', 'data'])
    mkdirSync(join(directory, part), { recursive: true });
  const { seen } = watched(t, directory, async () => {});
  for (const file of [
    ...['node_modules/a.ts', '.git/index', 'function.wasm', 'dev.log', 'page.hbs~', '#page.hbs#'],
    ...['page.hbs', 'pages/logo.png', 'Makefile', '.env', 'index.ts'],
  ]) {
    writeFileSync(join(directory, file), '');
  }
  await until('all changes', () => seen().length === 5);
  t.deepEqual(seen().sort(), ['.env', 'Makefile', 'index.ts', 'page.hbs', 'pages/logo.png']);
});

test('a file that is replaced by a rename, as editors and git save, is watched further', async (t) => {
  const directory = join(others, 'replaced');
  mkdirSync(directory, { recursive: true });
  const file = join(directory, 'function.yaml');
  writeFileSync(file, '');
  const { seen } = watched(t, directory, async () => {});
  for (let save = 1; save <= 4; save++) {
    writeFileSync(join(directory, '.new'), String(save));
    renameSync(join(directory, '.new'), file);
    await until(`save ${save}`, () => seen().filter((name) => name === 'function.yaml').length === save);
  }
  t.pass();
});

test('the files of new directories are watched, also of one that replaces another', async (t) => {
  const directory = join(others, 'renewed');
  mkdirSync(join(directory, 'lib'), { recursive: true });
  const { seen } = watched(t, directory, async () => {});
  for (const name of ['first.ts', 'second.ts']) {
    rmSync(join(directory, 'lib'), { recursive: true });
    mkdirSync(join(directory, 'lib', 'deep'), { recursive: true });
    writeFileSync(join(directory, 'lib', 'deep', name), '');
    await until(`${name} is new`, () => seen().includes(`lib/deep/${name}`));
    const times = seen().length;
    writeFileSync(join(directory, 'lib', 'deep', name), 'changed');
    await until(`${name} has changed`, () => seen().slice(times).includes(`lib/deep/${name}`));
  }
  t.pass();
});

test('a build that writes files into its directory is not repeated for ever', async (t) => {
  const directory = join(others, 'writing');
  mkdirSync(directory);
  let build = 0;
  const { seen, quiet } = watched(t, directory, async () => {
    build++;
    writeFileSync(join(directory, 'main.o'), String(build));
    // A name of its own for each build.
    writeFileSync(join(directory, `main.${build}.o`), '');
  });
  await quiet();
  for (const text of ['one', 'two']) {
    const before = build;
    writeFileSync(join(directory, 'page.hbs'), text);
    await until('the build', () => build > before);
    await quiet();
  }
  t.true(seen().includes('page.hbs'));
});

test('a file that is saved while another is built is built, too', async (t) => {
  const directory = join(others, 'saving');
  mkdirSync(directory);
  const built: string[] = [];
  const page = join(directory, 'page.hbs');
  writeFileSync(page, 'first');
  const { quiet } = watched(t, directory, async () => {
    writeFileSync(join(directory, 'main.o'), String(built.length));
    built.push(readFileSync(page, 'utf8'));
    if (built.length === 1) writeFileSync(page, 'second');
  });
  await quiet();
  t.is(built.at(-1), 'second');
  writeFileSync(page, 'third');
  await until('the build', () => built.at(-1) === 'third');
  await quiet();
});

/** Watches a directory until the end of the test. */
function watched(t: ExecutionContext, directory: string, build: () => Promise<void>) {
  const stop = new AbortController();
  const errors: unknown[] = [];
  const files: string[] = [];
  let builds = 0;
  const { ended } = watchSources(
    directory,
    { signal: stop.signal, report: (error) => errors.push(error) },
    async (changed) => {
      builds++;
      files.push(...(changed ?? []));
      await build();
    },
  );
  t.teardown(async () => {
    stop.abort();
    await ended;
  });
  /** Resolves when there has been no build for a while. */
  const quiet = () =>
    until('the end of the builds', async () => {
      const before = builds;
      await sleep(1500);
      return builds === before;
    });
  return { errors, seen: () => files, quiet };
}
