import { readdirSync } from 'node:fs';
import { AppError } from '../../errors.js';
import { findTool, runTool } from './run-tool.js';
import type { Toolchain } from './toolchain.js';

/** Compiles with clang and a WASI libc, or else with Zig, which includes one. */
export const c: Toolchain = {
  language: 'c',

  detects: ({ top }) => top.some((name) => name.endsWith('.c')),

  async compile(directory, output) {
    const files = readdirSync(directory).filter((name) => name.endsWith('.c'));
    const tail = ['-O2', '-o', output, ...files];
    if (findTool('clang') !== undefined) {
      const version = await runTool({ command: 'clang', args: ['--version'], directory });
      await runTool({ command: 'clang', args: ['--target=wasm32-wasi', ...tail], directory });
      return `clang ${/version (\S+)/.exec(version)?.[1] ?? ''}`.trim();
    }
    if (findTool('zig') !== undefined) {
      const version = await runTool({ command: 'zig', args: ['version'], directory });
      await runTool({ command: 'zig', args: ['cc', '-target', 'wasm32-wasi', ...tail], directory });
      return `Zig ${version.trim()}`;
    }
    throw new AppError(
      'build_failed',
      'Neither clang nor zig is on PATH; install clang, lld and wasi-libc, or Zig',
    );
  },
};
