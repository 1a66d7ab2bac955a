import { readFileSync } from 'node:fs';
import test from 'ava';
import type { Command } from 'commander';
import { EXAMPLES } from '../../src/cli/help/examples.js';
import { TOPICS } from '../../src/cli/help/topics.js';
import { createProgram, pathOf } from '../../src/cli/program.js';
import { runCli } from '../helpers/cli.js';
import { tempDir } from '../helpers/temp-dir.js';

const home = tempDir();

function leaves(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}

/**
 * Splits a shell line into words. Quoted text is one word; a redirection or substitution ends the
 * line.
 */
function wordsOf(line: string): string[] {
  const plain = line.replace(/^source <\((.*)\)$/, '$1').replace(/ > .*$/, '');
  return [...plain.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
}

/** Returns the command of a line and its remaining words; undefined for an unknown command. */
function commandOf(words: readonly string[]): { command: Command; rest: string[] } | undefined {
  let command = createProgram();
  const rest = words.slice(1);
  while (command.commands.length > 0) {
    const word = rest[0] ?? '';
    const child = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
    const next = child ?? command.commands.find((one) => one.name() === 'start');
    if (next === undefined) return undefined;
    if (child !== undefined) rest.shift();
    command = next;
  }
  return { command, rest };
}

test('every command has examples, and all examples belong to a command', (t) => {
  const paths = new Set(leaves(createProgram()).map((leaf) => pathOf(leaf)));
  const short = ['init', 'build', 'invoke', 'logs'];
  t.deepEqual(Object.keys(EXAMPLES).sort(), [...paths].filter((path) => !short.includes(path)).sort());
});

for (const [path, lines] of Object.entries(EXAMPLES)) {
  for (const line of lines) {
    test(`the example "${line}" is valid usage`, (t) => {
      const found = commandOf(wordsOf(line));
      t.is(pathOf(found?.command).replace(/^(init|build|invoke|logs)$/, 'function $1'), path);
      const { operands, unknown } = found?.command.exitOverride().parseOptions(found.rest) ?? {};
      t.deepEqual(unknown, []);
      const parameters = found?.command.registeredArguments ?? [];
      t.true(
        (operands?.length ?? 0) >= parameters.filter((one) => one.required).length,
        'arguments are missing',
      );
      if (!parameters.some((one) => one.variadic)) t.true((operands?.length ?? 0) <= parameters.length);
    });
  }
}

test('every command and option in the help topics exists', (t) => {
  const lines = Object.values(TOPICS).flatMap(({ text }) =>
    [...text.matchAll(/^ {2}(orama .*?)(?: {3,}.*)?$/gm)].map(([, line]) => line ?? ''),
  );
  t.true(lines.length > 25);
  for (const line of lines) {
    const found = commandOf(wordsOf(line));
    t.truthy(found, line);
    t.deepEqual(found?.command.exitOverride().parseOptions(found.rest).unknown, [], line);
  }
});

test('every page that a help topic refers to exists', (t) => {
  for (const { text } of Object.values(TOPICS)) {
    const pages = [...text.matchAll(/\/docs\/guide\/([\w-]+)\.html/g)];
    t.true(pages.length > 0);
    for (const [, page] of pages) t.notThrows(() => readFileSync(`docs/${page}.md`));
  }
});

test('help prints a topic, a command with its examples or a list, and suggests the nearest name', async (t) => {
  const topic = await runCli(['help', 'delivery'], { home });
  t.is(topic.code, 0, topic.stderr);
  t.regex(topic.stdout, /run at least once[\s\S]*orama function dead list hello/);
  const command = await runCli(['help', 'fn', 'invoke'], { home });
  t.is(command.code, 0, command.stderr);
  t.regex(command.stdout, /Usage: orama function invoke[\s\S]*Examples:\n {2}\$ orama function invoke hello/);
  const list = await runCli(['help'], { home });
  t.regex(list.stdout, /Commands:[\s\S]*invocations[\s\S]*Topics .*\n {2}functions /);
  const json = await runCli(['help', 'keys', '--json'], { home });
  t.like(JSON.parse(json.stdout), { topic: 'keys' });
  const unknown = await runCli(['help', 'delivry'], { home });
  t.is(unknown.code, 2);
  t.regex(unknown.stderr, /no command or topic 'delivry'; did you mean delivery\?/);
  const strange = await runCli(['help', 'nonsense'], { home });
  t.is(
    strange.stderr,
    "error: there is no command or topic 'nonsense'\nSee how it is used with: orama help\n",
  );
});

test('no line of a help text is wider than a terminal of 80 columns, but for examples', async (t) => {
  const groups = ['', 'function', 'function alias', 'function dead', 'function rollout', 'function triggers'];
  for (const group of groups) {
    const { stdout } = await runCli([...group.split(' ').filter(Boolean), '--help'], { home });
    t.deepEqual(
      stdout.split('\n').filter((line) => line.length > 80),
      [],
      group,
    );
  }
});
