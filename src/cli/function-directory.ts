import { existsSync, readFileSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { type Manifest, parseManifest } from '../contract/manifest.js';
import { PROJECT_FILE, type StageEnv } from '../contract/project.js';
import { AppError } from '../errors.js';
import { MODULE_FILE } from './build/build.js';

export const MANIFEST_FILE = 'function.yaml';
/** Directories with generated files. */
const NOT_SOURCE = new Set(['node_modules', 'target', 'build', 'dist']);
const SOURCE_EXTENSIONS = new Set([
  ...['.ts', '.tsx', '.mts', '.js', '.jsx', '.mjs', '.json', '.txt', '.html', '.sql', '.md'],
  ...['.go', '.mod', '.sum', '.rs', '.toml', '.c', '.h'],
]);

/**
 * Reads the function.yaml of a directory, with the values of a stage if one is given. Throws
 * `invalid_manifest`.
 */
export function readManifest(directory: string, stage?: StageEnv): Manifest {
  const file = join(directory, MANIFEST_FILE);
  if (!existsSync(file)) {
    const place = directory === '.' ? 'this directory' : directory;
    const sentence = `There is no ${MANIFEST_FILE} in ${place}; name the directory of a function, or make one with "orama function init hello"`;
    throw new AppError('invalid_manifest', sentence);
  }
  const name = stage === undefined ? MANIFEST_FILE : join(directory, MANIFEST_FILE);
  return parseManifest(readFileSync(file, 'utf8'), name, stage);
}

/**
 * Returns whether a change of this file builds and deploys again. Files of other types are left
 * out, as a build may write some. The path is relative to the function's directory.
 */
export function isSource(path: string): boolean {
  if (isGenerated(path)) return false;
  return (
    basename(path) === MANIFEST_FILE ||
    basename(path) === PROJECT_FILE ||
    SOURCE_EXTENSIONS.has(extname(path))
  );
}

/**
 * Resolves with true if there is no module yet or if a file is newer than it. Any file may be
 * source: a `build` command compiles every language, and compilers embed files of any type.
 */
export async function needsBuild(directory: string): Promise<boolean> {
  const module = join(directory, MODULE_FILE);
  if (!existsSync(module)) return true;
  const built = statSync(module).mtimeMs;
  for (const path of await readdir(directory, { recursive: true })) {
    if (isGenerated(path) || path === MANIFEST_FILE) continue;
    const found = statSync(join(directory, path), { throwIfNoEntry: false });
    if (found?.isFile() === true && found.mtimeMs > built) return true;
  }
  return false;
}

function isGenerated(path: string): boolean {
  return path.split(/[\\/]/).some((part) => part.startsWith('.') || NOT_SOURCE.has(part));
}
