import { readFileSync, writeFileSync } from 'node:fs';
import { AppError } from '../../../errors.js';
import { packagePath } from '../../package.js';
import type { Toolchain } from '../toolchain.js';

const ENTRIES = ['index.ts', 'index.tsx', 'index.mts', 'index.js', 'index.jsx', 'index.mjs'];

/**
 * esbuild, then QuickJS's compiler: the bytecode goes into the engine's module. Needs nothing that
 * npm did not install.
 */
export const javascript: Toolchain = {
  language: 'javascript',

  detects: ({ top }) => entryOf(top) !== undefined,

  async compile(directory, output, { top }) {
    const entry = entryOf(top);
    if (entry === undefined)
      throw new AppError('build_failed', `There is no index.ts or index.js in ${directory}`);
    // Loaded here: esbuild and QuickJS are of no use to most commands.
    const { bundle, BUNDLE_NAME } = await import('./bundle.js');
    const { compile } = await import('./compile.js');
    const { assemble } = await import('./assemble.js');
    const program = await compile(await bundle(directory, entry), BUNDLE_NAME, 'module');
    const engine = readFileSync(packagePath('dist/javascript/engine.wasm'));
    writeFileSync(
      output,
      assemble(engine, readFileSync(packagePath('dist/javascript/runtime.bin')), program),
    );
    return `esbuild ${(await import('esbuild')).version} and QuickJS-NG`;
  },
};

function entryOf(names: readonly string[]): string | undefined {
  return ENTRIES.find((name) => names.includes(name));
}
