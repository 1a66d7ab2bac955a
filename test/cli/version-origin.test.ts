import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { originOf } from '../../src/cli/version-origin.js';
import { tempDir } from '../helpers/temp-dir.js';

const home = tempDir();

function repository(name: string) {
  const directory = join(home, name);
  mkdirSync(join(directory, 'functions', 'a'), { recursive: true });
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', directory, '-c', 'user.name=T', '-c', 'user.email=t@h', ...args])
      .toString()
      .trim();
  git('init', '--quiet');
  writeFileSync(join(directory, 'functions', 'a', 'index.ts'), '1\n');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'Add a\n\nAnd more on it.');
  return { directory, git, commit: git('rev-parse', 'HEAD') };
}

test('a version from a clean repository records the commit, and its subject unless a message is given', async (t) => {
  const { directory, commit } = repository('clean');
  // Built beside its source and not committed.
  writeFileSync(join(directory, 'functions', 'a', 'function.wasm'), '');
  t.deepEqual(await originOf(directory, undefined), { message: 'Add a', git_commit: commit });
  t.deepEqual(await originOf(join(directory, 'functions', 'a'), 'Told'), {
    message: 'Told',
    git_commit: commit,
  });
});

test('a version from changed sources records the commit as -dirty and not the subject of the commit', async (t) => {
  const { directory, commit } = repository('changed');
  writeFileSync(join(directory, 'functions', 'a', 'index.ts'), '2\n');
  t.deepEqual(await originOf(directory, undefined), { message: null, git_commit: `${commit}-dirty` });
  t.deepEqual(await originOf(directory, 'Told'), { message: 'Told', git_commit: `${commit}-dirty` });
  mkdirSync(join(directory, 'functions', 'b'));
  // Changes elsewhere are irrelevant.
  t.is((await originOf(join(directory, 'functions', 'b'), undefined)).git_commit, commit);
});

test('without a repository or a commit a version records only the given message', async (t) => {
  t.deepEqual(await originOf(home, undefined), { message: null, git_commit: null });
  const empty = join(home, 'empty');
  mkdirSync(empty);
  execFileSync('git', ['-C', empty, 'init', '--quiet']);
  t.deepEqual(await originOf(empty, 'Told'), { message: 'Told', git_commit: null });
});
