// `npm run check`: runs type check, linter, import rules and the search for unused code in
// parallel, and prints the output of each when it ends.
import { spawn } from 'node:child_process';

const CHECKS = ['typecheck', 'lint', 'arrows', 'unused'];

const results = await Promise.all(CHECKS.map(run));
process.exitCode = results.every((passed) => passed) ? 0 : 1;

function run(check) {
  const child = spawn('npm', ['run', '--silent', check], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => output.push(part));
  return new Promise((resolve) => {
    child.on('close', (code) => {
      const outcome = code === 0 ? 'passed' : 'FAILED';
      process.stdout.write(`${check}: ${outcome}\n${Buffer.concat(output)}\n`);
      resolve(code === 0);
    });
  });
}
