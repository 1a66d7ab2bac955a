import { readFileSync } from 'node:fs';
import test from 'ava';
import type { Command } from 'commander';
import { createProgram } from '../../src/cli/program.js';

const page = readFileSync('docs/cli.md', 'utf8');
const COMMON = new Set(['--json', '--url', '--api-key', '--namespace']);

function leaves(command: Command, path: string): { command: Command; usage: string }[] {
  if (command.commands.length > 0) {
    return command.commands.flatMap((child) => leaves(child, `${path} ${child.name()}`));
  }
  const parameters = command.registeredArguments.map((one) =>
    one.required ? `<${one.name()}>` : `[${one.name()}]`,
  );
  return [{ command, usage: [path, ...parameters].join(' ') }];
}

test('docs/cli.md names every command with its arguments', (t) => {
  const all = leaves(createProgram(), 'orama');
  t.true(all.length > 25);
  t.deepEqual(
    all.filter(({ usage }) => !page.includes(`\`${usage}\``)).map(({ usage }) => usage),
    [],
  );
});

test('docs/cli.md names every option', (t) => {
  const missing = leaves(createProgram(), 'orama').flatMap(({ command, usage }) =>
    command.options
      .map((option) => option.long ?? '')
      .filter((flag) => !COMMON.has(flag) && !page.includes(flag))
      .map((flag) => `${usage} ${flag}`),
  );
  t.deepEqual(missing, []);
});

test('docs/cli.md names no unknown command', (t) => {
  const known = new Set(leaves(createProgram(), 'orama').map(({ usage }) => usage));
  const named = [...page.matchAll(/^\| `(orama [^`]+)`/gm)].map(([, usage]) => usage ?? '');
  t.deepEqual(
    named.filter((usage) => !known.has(usage)),
    [],
  );
});
