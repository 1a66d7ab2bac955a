import { existsSync } from 'node:fs';
import { findTool } from '../../src/cli/build/run-tool.js';

/** What each language needs. A compiler that is not there is named by the tests that it skips. */
export const COMPILERS: Readonly<Record<string, { title: string; found: boolean }>> = {
  go: { title: 'Go', found: findTool('go') !== undefined },
  assemblyscript: { title: 'AssemblyScript', found: true },
  rust: { title: 'Rust (wasm32-wasip1)', found: findTool('cargo') !== undefined },
  c: {
    title: 'clang and wasi-libc',
    found: findTool('clang') !== undefined && existsSync('/usr/include/wasm32-wasi'),
  },
};
