import type { Argument, Command, Option } from 'commander';

/** A completion with its description. */
export interface Candidate {
  value: string;
  about: string;
}

/** Resolves names that only the engine or the project knows. */
export type Names = (
  kind: 'function' | 'secret' | 'project-function' | 'stage',
) => Promise<readonly string[]>;

/**
 * Returns the completions of the last word: commands, options, option values or arguments. `words`
 * excludes `orama`.
 */
export async function candidates(
  program: Command,
  words: readonly string[],
  names: Names,
): Promise<Candidate[]> {
  const before = words.slice(0, -1);
  const word = words.at(-1) ?? '';
  const { command, given, pending } = follow(program, before);
  const all = await possible(command, given, pending, word, names);
  return all.filter(({ value }) => value.startsWith(word));
}

interface Followed {
  command: Command;
  /** Number of arguments given so far. */
  given: number;
  /** An option whose value is still missing. */
  pending: Option | undefined;
}

/** Parses the words up to a command, its arguments and a pending option. */
function follow(program: Command, words: readonly string[]): Followed {
  let command = program;
  let given = 0;
  let pending: Option | undefined;
  for (const word of words) {
    if (pending !== undefined) {
      pending = undefined;
      continue;
    }
    if (word.startsWith('-')) {
      const option = command.options.find(({ long, short }) => word === long || word === short);
      if (option?.required === true) pending = option;
      continue;
    }
    const child = given === 0 ? childOf(command, word) : undefined;
    if (child === undefined) given += 1;
    else command = child;
  }
  return { command: given > 0 ? withDefault(command) : command, given, pending };
}

function childOf(command: Command, word: string): Command | undefined {
  return command.commands.find((child) => child.name() === word || child.aliases().includes(word));
}

/** `start` is the default subcommand: `rollout hello` is `rollout start hello`. */
function withDefault(command: Command): Command {
  return childOf(command, 'start') ?? command;
}

async function possible(
  command: Command,
  given: number,
  pending: Option | undefined,
  word: string,
  names: Names,
): Promise<Candidate[]> {
  if (pending !== undefined) return optionValues(pending, names);
  if (word.startsWith('-')) {
    return command
      .createHelp()
      .visibleOptions(command)
      .flatMap(({ long, description }) => (long === undefined ? [] : [{ value: long, about: description }]));
  }
  const children = command
    .createHelp()
    .visibleCommands(command)
    .map((child) => ({ value: child.name(), about: child.description() }));
  if (children.length > 0) return children;
  const parameters = command.registeredArguments;
  const parameter =
    parameters[given] ?? (parameters.at(-1)?.variadic === true ? parameters.at(-1) : undefined);
  return parameter === undefined ? [] : argumentValues(command, parameter, names);
}

async function optionValues(option: Option, names: Names): Promise<Candidate[]> {
  if (option.argChoices !== undefined) return option.argChoices.map(plain);
  if (option.long === '--function') return (await names('function')).map(plain);
  if (option.long === '--stage') return (await names('stage')).map(plain);
  return [];
}

/** Commands whose argument `name` is a function name. */
const OF_FUNCTIONS = new Set(['invoke', 'get', 'delete', 'logs', 'versions', 'rollback']);

async function argumentValues(command: Command, parameter: Argument, names: Names): Promise<Candidate[]> {
  if (parameter.argChoices !== undefined) return parameter.argChoices.map(plain);
  const group = command.parent?.name();
  if (group === 'secrets') return command.name() === 'delete' ? (await names('secret')).map(plain) : [];
  if (command.name() === 'deploy' && parameter.variadic) return (await names('project-function')).map(plain);
  const isFunction =
    parameter.name() === 'function' || (parameter.name() === 'name' && OF_FUNCTIONS.has(command.name()));
  return isFunction ? (await names('function')).map(plain) : [];
}

const plain = (value: string): Candidate => ({ value, about: '' });
