import { existsSync, readFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { AppError } from '../errors.js';
import { MODULE_FILE } from './build/build.js';
import { type Manifest, parseManifest } from './yaml/manifest.js';
import { PROJECT_FILE, type StageEnv } from './yaml/project-file.js';

export const MANIFEST_FILE = 'function.yaml';
/** Variables of a project. */
const VARIABLES_FILE = '.env';
/** Directories with generated files and dependencies. */
const NOT_SOURCE = new Set(['node_modules', 'target', 'build', 'dist']);
/** Files that a build reads and hardly ever writes. */
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
  if (!existsSync(directory)) {
    throw new AppError('invalid_manifest', `There is no directory ${directory}`);
  }
  if (!existsSync(file)) {
    const place = directory === '.' ? 'this directory' : directory;
    const sentence = `There is no ${MANIFEST_FILE} in ${place}; name the directory of a function, or make one with "orama function init hello"`;
    throw new AppError('invalid_manifest', sentence);
  }
  const name = stage === undefined ? MANIFEST_FILE : join(directory, MANIFEST_FILE);
  return parseManifest(readFileSync(file, 'utf8'), name, stage);
}

/**
 * Returns whether a build may read this file. A build command compiles every language, and
 * compilers embed files of any type. The path is relative to the function's or the project's
 * directory.
 */
export function mayBeSource(path: string): boolean {
  return path === VARIABLES_FILE || !isGenerated(path);
}

/**
 * Returns whether a file is source for certain. Files of other types may be written by the build.
 */
export function isSource(path: string): boolean {
  return (
    basename(path) === MANIFEST_FILE ||
    basename(path) === PROJECT_FILE ||
    SOURCE_EXTENSIONS.has(extname(path))
  );
}

/** Hidden and generated files, dependencies, logs, and what editors write beside a file. */
function isGenerated(path: string): boolean {
  const parts = path.split(/[\\/]/);
  const name = parts.at(-1) ?? '';
  return (
    parts.some((part) => part.startsWith('.') || NOT_SOURCE.has(part)) ||
    name === MODULE_FILE ||
    /^#|~$|\.log$/.test(name)
  );
}
