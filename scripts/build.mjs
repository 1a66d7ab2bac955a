// Compiles the TypeScript into dist/ and copies the files that are data, not code, beside it.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
execFileSync(process.execPath, [tsc, '--incremental', '--tsBuildInfoFile', 'dist/.tsbuildinfo'], {
  stdio: 'inherit',
});
// The files that `orama function init` starts a function from.
const templates = 'src/cli/templates';
rmSync(`dist/${templates}`, { recursive: true, force: true });
cpSync(templates, `dist/${templates}`, { recursive: true });
// npx runs the command through its own link, which needs the file to be executable.
const cli = 'dist/src/cli/main.js';
if (existsSync(cli)) chmodSync(cli, 0o755);
