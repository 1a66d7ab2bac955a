import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { buildFunction } from '../../src/cli/build/build.js';
import { tempDir } from './temp-dir.js';

const root = tempDir();
let made = 0;

/**
 * Creates a directory with these files, in which the packages of this repository can be resolved.
 */
export function functionDirectory(files: Readonly<Record<string, string>>): string {
  const directory = join(root, String(++made));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
  if (!Object.keys(files).some((path) => path.startsWith('node_modules/'))) {
    symlinkSync(resolve('node_modules'), join(directory, 'node_modules'));
  }
  return directory;
}

/** Builds a module with `orama function build` from the files, or from an index.ts. */
export async function buildJavaScript(
  source: string | Readonly<Record<string, string>>,
): Promise<Uint8Array> {
  const files = typeof source === 'string' ? { 'index.ts': source } : source;
  return readFileSync((await buildFunction(functionDirectory(files), undefined)).file);
}
