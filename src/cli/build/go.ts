import { readdirSync } from 'node:fs';
import { AppError } from '../../errors.js';
import { findTool, runTool } from './run-tool.js';
import type { Toolchain } from './toolchain.js';

/**
 * Compiles with TinyGo if it is installed, as it produces small modules, and otherwise with the
 * standard Go toolchain.
 */
export const go: Toolchain = {
  language: 'go',

  detects: ({ top }) => top.some((name) => name === 'go.mod' || name.endsWith('.go')),

  async compile(directory, output) {
    if (findTool('tinygo') !== undefined) return compileTinyGo(directory, output);
    if (findTool('go') !== undefined) return compileGo(directory, output);
    throw new AppError(
      'build_failed',
      'Neither tinygo nor go is on PATH; install Go 1.24 or newer from go.dev',
    );
  },
};

async function compileTinyGo(directory: string, output: string): Promise<string> {
  const version = await runTool({ command: 'tinygo', args: ['version'], directory });
  const args = ['build', '-o', output, '-target=wasip1', ...packageOf(directory)];
  await runTool({ command: 'tinygo', args, directory });
  return `TinyGo ${/version (\S+)/.exec(version)?.[1] ?? ''}`.trim();
}

async function compileGo(directory: string, output: string): Promise<string> {
  // GOTOOLCHAIN=local: an older Go fails with a message instead of downloading a newer toolchain.
  const environment = { GOOS: 'wasip1', GOARCH: 'wasm', GOTOOLCHAIN: 'local' };
  const version = await runTool({ command: 'go', args: ['env', 'GOVERSION'], directory, environment });
  // Reproducible build: no paths and no commit in the module, so that the same source gives the
  // same CID.
  const args = ['build', '-trimpath', '-buildvcs=false', '-o', output, ...packageOf(directory)];
  await runTool({ command: 'go', args, directory, environment });
  return `Go ${version.trim().replace(/^go/, '')} (GOOS=wasip1)`;
}

/** Returns the package arguments. Files without a go.mod are listed one by one, without tests. */
function packageOf(directory: string): string[] {
  const names = readdirSync(directory);
  if (names.includes('go.mod')) return ['.'];
  return names.filter((name) => name.endsWith('.go') && !name.endsWith('_test.go'));
}
