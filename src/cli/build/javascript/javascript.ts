import { readFileSync, writeFileSync } from 'node:fs';
import { AppError } from '../../../errors.js';
import { packagePath } from '../../../package.js';
import type { Toolchain } from '../toolchain.js';

const ENTRIES = ['index.ts', 'index.tsx', 'index.mts', 'index.js', 'index.jsx', 'index.mjs'];

/**
 * Bundles with esbuild and compiles with QuickJS; the bytecode is embedded in the engine's module.
 * Needs only what npm has installed.
 */
export const javascript: Toolchain = {
  language: 'javascript',

  detects: ({ top }) => entryOf(top) !== undefined,

  async compile(directory, output, { top }) {
    const entry = entryOf(top);
    if (entry === undefined)
      throw new AppError('build_failed', `There is no index.ts or index.js in ${directory}`);
    // Imported lazily: most commands need neither esbuild nor QuickJS.
    const { bundle, BUNDLE_NAME } = await import('./bundle.js');
    const { compile } = await import('./compile.js');
    const { assemble } = await import('./assemble.js');
    const { code, warnings } = await bundle(directory, entry);
    const program = await compile(code, BUNDLE_NAME, 'module');
    const engine = readFileSync(packagePath('dist/javascript/engine.wasm'));
    writeFileSync(
      output,
      assemble(engine, readFileSync(packagePath('dist/javascript/runtime.bin')), program),
    );
    return { with: `esbuild ${(await import('esbuild')).version} and QuickJS-NG`, warnings };
  },
};

function entryOf(names: readonly string[]): string | undefined {
  return ENTRIES.find((name) => names.includes(name));
}
