// `npm test [-- <files>]`: builds, runs the tests, and prints the slowest ones, so that a new slow
// test is noticed.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import './build.mjs';

const SLOWEST = 20;
/** ava prints the duration of each test that took more than 100 ms after its title. */
const TIMED = /^\s*[✔✘].*?\s([^\s].*) \((?:(\d+)m )?(?:([\d.]+)s)?(?:([\d.]+)ms)?\)/u;
const UNSTYLED = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');

const ava = fileURLToPath(new URL('../node_modules/ava/entrypoints/cli.mjs', import.meta.url));
const child = spawn(process.execPath, [ava, ...process.argv.slice(2)], {
  stdio: ['inherit', 'pipe', 'inherit'],
});

const timed = [];
let rest = '';
child.stdout.setEncoding('utf8');
child.stdout.on('data', (text) => {
  process.stdout.write(text);
  const lines = (rest + text).split('\n');
  rest = lines.pop() ?? '';
  for (const line of lines) record(line.replace(UNSTYLED, ''));
});
child.on('close', (code, signal) => {
  timed.sort((a, b) => b.ms - a.ms);
  if (timed.length > 0) process.stdout.write(`\nThe slowest tests:\n`);
  for (const { title, ms } of timed.slice(0, SLOWEST)) {
    process.stdout.write(`  ${(ms / 1000).toFixed(1).padStart(6)} s  ${title}\n`);
  }
  process.exitCode = signal ? 1 : (code ?? 1);
});

function record(line) {
  const match = TIMED.exec(line);
  if (match === null) return;
  const [, title, minutes, seconds, milliseconds] = match;
  timed.push({
    title,
    ms: Number(minutes ?? 0) * 60_000 + Number(seconds ?? 0) * 1000 + Number(milliseconds ?? 0),
  });
}
