import type { Command } from 'commander';
import { suggest } from '../../suggest.js';
import { TOPICS } from '../help/topics.js';
import { terminalOf } from '../session.js';

/** Adds the command `orama help [words...]`, which shows a topic or the help of a command. */
export function addHelp(program: Command): void {
  program
    .command('help')
    .description('show the help of a command or a topic')
    .argument('[words...]', `a command, or one of ${Object.keys(TOPICS).join(', ')}`)
    .addHelpText('after', () => `\n${topicList()}`)
    .action((words: readonly string[], _flags, command: Command) => {
      const [name = ''] = words;
      const topic = words.length === 1 ? TOPICS[name] : undefined;
      const terminal = terminalOf(command);
      if (topic !== undefined && terminal.json) terminal.value({ topic: name, ...topic });
      else if (topic !== undefined) terminal.line(topic.text);
      else if (words.length === 0) terminal.line(`${program.helpInformation().trimEnd()}\n\n${topicList()}`);
      else found(program, words, command).outputHelp();
    });
}

function topicList(): string {
  const lines = Object.entries(TOPICS).map(([name, { about }]) => `  ${name.padEnd(10)} ${about}`);
  return ['Topics (orama help <topic>):', ...lines].join('\n');
}

function found(program: Command, words: readonly string[], help: Command): Command {
  let command = program;
  for (const word of words) {
    const child = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (child === undefined) return refuse(command === program, command, word, help);
    command = child;
  }
  return command;
}

function refuse(isFirst: boolean, command: Command, word: string, help: Command): never {
  const commands = command.commands.map((one) => one.name());
  const near = suggest(word, isFirst ? [...commands, ...Object.keys(TOPICS)] : commands);
  const next = near === undefined ? '' : `; did you mean ${near}?`;
  return help.error(`error: there is no command or topic '${word}'${next}`);
}
