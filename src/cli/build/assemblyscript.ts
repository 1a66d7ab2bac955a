import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { AppError } from '../../errors.js';
import { runTool } from './run-tool.js';
import type { Toolchain } from './toolchain.js';

/** The AssemblyScript compiler of the function's own node_modules, else ours. */
export const assemblyscript: Toolchain = {
  language: 'assemblyscript',

  detects: ({ top, assembly }) =>
    top.includes('asconfig.json') || assembly.some((name) => name.endsWith('.ts') && !name.endsWith('.d.ts')),

  async compile(directory, output) {
    const compiler = findCompiler(directory);
    const entry = existsSync(join(directory, 'assembly', 'index.ts')) ? 'assembly/index.ts' : 'index.ts';
    const config = existsSync(join(directory, 'asconfig.json')) ? ['--target', 'release'] : WITHOUT_CONFIG;
    const run = (args: readonly string[]) =>
      runTool({ command: process.execPath, args: [compiler, ...args], directory });
    const version = await run(['--version']);
    await run([entry, ...config, '--outFile', output]);
    return `AssemblyScript ${/(\d+\.\d+\.\d+)/.exec(version)?.[1] ?? ''}`.trim();
  },
};

/** A command module: what stands at the top level runs once per invocation. */
const WITHOUT_CONFIG = ['--optimize', '--exportStart', '_start'];

function findCompiler(directory: string): string {
  for (const from of [join(directory, 'package.json'), import.meta.url]) {
    try {
      return createRequire(from).resolve('assemblyscript/bin/asc.js');
    } catch {
      // Not here; look in the next place.
    }
  }
  throw new AppError('build_failed', 'assemblyscript is not installed; run "npm install -D assemblyscript"');
}
