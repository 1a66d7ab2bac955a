import type { Command } from 'commander';
import { announceEngine } from './assumed-engine.js';
import { type Client, createClient } from './client.js';
import { type ConnectionFlags, resolveSettings } from './config.js';
import { createTerminal, type OutputFormat, type Terminal } from './terminal.js';

interface CommonFlags extends ConnectionFlags {
  json?: boolean;
  output?: OutputFormat;
}

const COMMON = ['json', 'output', 'url', 'apiKey', 'namespace'] as const satisfies (keyof CommonFlags)[];
const setAside = new WeakMap<Command, CommonFlags>();

/**
 * Takes the common options out of the flags that the action of a command gets. An action that sends
 * its flags cannot send the credential in a URL, where proxies log it.
 */
export function setCommonFlagsAside(command: Command): void {
  const flags = command.opts<CommonFlags>();
  setAside.set(command, { ...flags });
  for (const name of COMMON) command.setOptionValue(name, undefined);
}

/** Returns the common options of a command that runs. */
export function commonFlagsOf(command: Command): CommonFlags {
  return setAside.get(command) ?? {};
}

/** Returns the terminal in the output format that the command's flags select. */
export function terminalOf(command: Command): Terminal {
  const { json, output } = commonFlagsOf(command);
  return createTerminal(process, json === true ? 'json' : output);
}

export interface CliSession {
  terminal: Terminal;
  client: Client;
}

/** Opens the terminal and the client of a command. */
export function openSession(command: Command): CliSession {
  const flags = commonFlagsOf(command);
  const terminal = terminalOf(command);
  const client = createClient(resolveSettings(flags));
  announceEngine(flags, command, terminal);
  return { terminal, client };
}
