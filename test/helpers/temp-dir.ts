import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';

/** Creates an empty directory that is removed after the last test of the file. */
export function tempDir(): string {
  const directory = mkdtempSync(join(tmpdir(), 'orama-test-'));
  test.after.always(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
