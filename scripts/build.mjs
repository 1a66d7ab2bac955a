// Compiles the TypeScript into dist/ and copies the files that are data, not code, beside it.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync } from 'node:fs';
import { createRequire } from 'node:module';

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
execFileSync(process.execPath, [tsc, '--incremental', '--tsBuildInfoFile', 'dist/.tsbuildinfo'], {
  stdio: 'inherit',
});
// npx runs the command through its own link, which needs the file to be executable.
const cli = 'dist/src/cli/main.js';
if (existsSync(cli)) chmodSync(cli, 0o755);
