// Compiles the TypeScript into dist/ and copies the files that are data, not code, beside it.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { bundleProgram, bundleThreads } from './bundle.mjs';
import { buildConsole } from './console.mjs';

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
execFileSync(process.execPath, [tsc, '--incremental', '--tsBuildInfoFile', 'dist/.tsbuildinfo'], {
  stdio: 'inherit',
});
// The files that `orama function init` starts a function from.
const templates = 'src/cli/templates';
rmSync(`dist/${templates}`, { recursive: true, force: true });
cpSync(templates, `dist/${templates}`, { recursive: true });
// The queue's database as a first start copies it: made once, and again when what makes it has changed.
const maker = 'dist/queues/drivers/pglite/create.js';
const template = 'dist/queues/drivers/pglite/template';
if (!existsSync(`${template}/PG_VERSION`) || readFileSync(`${template}.of`, 'utf8') !== makerVersions()) {
  rmSync(template, { recursive: true, force: true });
  execFileSync(process.execPath, [maker, template], { stdio: 'inherit' });
  writeFileSync(`${template}.of`, makerVersions());
}

function makerVersions() {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  return ['bullmq', '@electric-sql/pglite']
    .map((name) => `${name} ${packages[`node_modules/${name}`].version}`)
    .join(', ');
}

// Loaded now: it uses what was compiled above.
const { buildJavaScriptEngine } = await import('./javascript/build-engine.mjs');
await buildJavaScriptEngine();

rmSync('dist/app', { recursive: true, force: true });
await bundleThreads();
await bundleProgram();
await buildConsole();
// npx runs the command through its own link, which needs the file to be executable.
chmodSync('dist/app/orama.js', 0o755);
