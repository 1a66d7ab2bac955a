// Compiles the TypeScript into dist/ and copies data files.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { bundle } from './bundle.mjs';
import { compile } from './compile.mjs';
import { buildConsole } from './console.mjs';
import { buildLua } from './lua.mjs';

const guide = spawn(process.execPath, ['scripts/guide.mjs'], { stdio: ['ignore', 'ignore', 'inherit'] });
const guideBuilt = once(guide, 'exit');
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
await compile();
execFileSync(process.execPath, [tsc, '-p', 'clients/typescript'], { stdio: 'inherit' });
// The templates of `orama function init`.
const templates = 'src/cli/templates';
rmSync(`dist/${templates}`, { recursive: true, force: true });
cpSync(templates, `dist/${templates}`, { recursive: true });
await buildLua();
// Imported here, because it uses code that was compiled above.
const { buildJavaScriptEngine } = await import('./javascript/build-engine.mjs');
await buildJavaScriptEngine();

rmSync('dist/app', { recursive: true, force: true });
await bundle();
await buildConsole();
// npx runs the command through a link of its own, so the file must be executable.
chmodSync('dist/app/orama.js', 0o755);
const [code] = await guideBuilt;
if (code !== 0) throw new Error(`scripts/guide.mjs ended with ${code}`);
