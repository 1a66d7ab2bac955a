// `npm test [-- <files>]`: builds and runs the tests. It closes with the slowest tests, so that a
// new slow one is noticed, then ava's report of the failures, then their titles: where only the end
// of a log is kept, as in CI, it says what failed.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import './build.mjs';

const SLOWEST = 20;
/** ava prints the duration of each test that took more than 100 ms after its title. */
const TIMED = /^\s*[✔✘].*?\s([^\s].*) \((?:(\d+)m )?(?:([\d.]+)s)?(?:([\d.]+)ms)?\)/u;
/** What ava marks as failed: tests, hooks, and files that exited, threw outside a test or hung. */
const FAILED =
  /^\s*(?:✘|◌|Uncaught exception in|Unhandled rejection in|Failed to exit when running|\d+ tests were pending in)/u;
/** ava's report of the failures begins with a line of this character alone. */
const REPORT = /^\s*─\s*$/u;
const UNSTYLED = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');

const ava = fileURLToPath(new URL('../node_modules/ava/entrypoints/cli.mjs', import.meta.url));
const child = spawn(process.execPath, [ava, ...process.argv.slice(2)], {
  stdio: ['inherit', 'pipe', 'inherit'],
});

// ava ends by itself, and its report is not lost.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
/** ava's report ends no run that watches the files. */
const watches = process.argv.some((arg) => arg === '--watch' || arg === '-w');
const timed = [];
const failed = [];
const report = [];
let rest = '';
child.stdout.setEncoding('utf8');
child.stdout.on('data', (text) => {
  const lines = (rest + text).split('\n');
  rest = lines.pop() ?? '';
  for (const line of lines) {
    const plain = line.replace(UNSTYLED, '');
    if (!watches && (report.length > 0 || REPORT.test(plain))) {
      report.push(line);
      continue;
    }
    console.log(line);
    record(plain);
  }
});
child.on('close', (code, signal) => {
  if (rest !== '') report.push(rest);
  timed.sort((a, b) => b.ms - a.ms);
  if (timed.length > 0) console.log('\nThe slowest tests:');
  for (const { title, ms } of timed.slice(0, SLOWEST)) {
    console.log(`  ${(ms / 1000).toFixed(1).padStart(6)} s  ${title}`);
  }
  for (const line of report) console.log(line);
  if (failed.length > 0) console.log(`\nFailed:\n${failed.join('\n')}`);
  process.exitCode = signal ? 1 : (code ?? 1);
});

function record(line) {
  if (FAILED.test(line)) failed.push(line);
  const match = TIMED.exec(line);
  if (match === null) return;
  const [, title, minutes, seconds, milliseconds] = match;
  timed.push({
    title,
    ms: Number(minutes ?? 0) * 60_000 + Number(seconds ?? 0) * 1000 + Number(milliseconds ?? 0),
  });
}
