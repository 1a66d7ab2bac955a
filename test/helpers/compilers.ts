import { existsSync } from 'node:fs';
import { findTool } from '../../src/cli/build/run-tool.js';

/** Compilers by language. Tests that are skipped name the missing compiler. */
export const COMPILERS: Readonly<Record<string, { title: string; found: boolean }>> = {
  go: { title: 'Go', found: findTool('go') !== undefined },
  assemblyscript: { title: 'AssemblyScript', found: true },
  rust: { title: 'Rust (wasm32-wasip1)', found: findTool('cargo') !== undefined },
  c: {
    title: 'clang and wasi-libc',
    found: findTool('clang') !== undefined && existsSync('/usr/include/wasm32-wasi'),
  },
};
