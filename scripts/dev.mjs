// `npm run dev [-- <arguments of orama up>]`: compiles on every change and restarts the engine with
// the new code.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { bundleThreads } from './bundle.mjs';
import { buildLua } from './lua.mjs';
import './build.mjs';

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const compiler = spawn(
  process.execPath,
  [tsc, '--watch', '--preserveWatchOutput', '--incremental', '--tsBuildInfoFile', 'dist/.tsbuildinfo'],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
let engine;
/** One restart after the other: two at once would start two engines on the same data. */
let restarts = Promise.resolve();

compiler.stdout.setEncoding('utf8');
compiler.stdout.on('data', (text) => {
  process.stdout.write(text);
  if (text.includes('Found 0 errors')) restarts = restarts.then(restart).catch(console.error);
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void stop());

async function restart() {
  await buildLua();
  await bundleThreads();
  await stopEngine();
  const up = ['--enable-source-maps', 'dist/src/cli/main.js', 'up', ...process.argv.slice(2)];
  engine = spawn(process.execPath, up, { stdio: 'inherit' });
}

async function stopEngine() {
  if (engine === undefined || engine.exitCode !== null || engine.signalCode !== null) return;
  const ended = new Promise((resolve) => engine.once('exit', resolve));
  engine.kill('SIGTERM');
  await ended;
}

async function stop() {
  compiler.kill('SIGTERM');
  await restarts;
  await stopEngine();
}
