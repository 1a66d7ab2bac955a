import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import * as z from 'zod';
import { AppError } from '../../errors.js';
import { runTool } from './run-tool.js';
import type { Toolchain } from './toolchain.js';

/**
 * Compiles with the AssemblyScript compiler in the function's node_modules, or else with the one
 * that the engine's package resolves.
 */
export const assemblyscript: Toolchain = {
  language: 'assemblyscript',

  detects: ({ top, assembly }) =>
    top.includes('asconfig.json') || assembly.some((name) => name.endsWith('.ts') && !name.endsWith('.d.ts')),

  async compile(directory, output) {
    const compiler = findCompiler(directory);
    const entry = existsSync(join(directory, 'assembly', 'index.ts')) ? 'assembly/index.ts' : 'index.ts';
    const config = existsSync(join(directory, 'asconfig.json')) ? ['--target', 'release'] : WITHOUT_CONFIG;
    const args = [join(compiler, 'bin', 'asc.js'), entry, ...config, '--outFile', output];
    await runTool({ command: process.execPath, args, directory });
    return `AssemblyScript ${versionOf(compiler)}`;
  },
};

/**
 * Without asconfig.json the module is built as a command: top-level statements run once per
 * invocation.
 */
const WITHOUT_CONFIG = ['--optimize', '--exportStart', '_start'];

/** Returns the directory of the npm package `assemblyscript`. */
function findCompiler(directory: string): string {
  for (const from of [resolve(directory, 'package.json'), import.meta.url]) {
    try {
      return dirname(createRequire(from).resolve('assemblyscript/package.json'));
    } catch {
      // Not installed here; try the next location.
    }
  }
  throw new AppError(
    'build_failed',
    `assemblyscript is not installed; run "npm install --save-dev assemblyscript" in ${directory}`,
  );
}

/** Read from package.json, as `asc --version` would load the whole compiler. */
function versionOf(compiler: string): string {
  const text = readFileSync(join(compiler, 'package.json'), 'utf8');
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}
