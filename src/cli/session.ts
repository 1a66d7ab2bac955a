import type { Command } from 'commander';
import { type Client, createClient } from './client.js';
import { type ConnectionFlags, resolveSettings } from './config.js';
import { createTerminal, type OutputFormat, type Terminal } from './terminal.js';

interface CommonFlags extends ConnectionFlags {
  json?: boolean;
  output?: OutputFormat;
}

/** Returns the terminal in the output format that the command's flags select. */
export function terminalOf(command: Command): Terminal {
  const { json, output } = command.optsWithGlobals<CommonFlags>();
  return createTerminal(process, json === true ? 'json' : output);
}

export interface CliSession {
  terminal: Terminal;
  client: Client;
}

/** Opens the terminal and the client of a command. */
export function openSession(command: Command): CliSession {
  const flags = command.optsWithGlobals<CommonFlags>();
  return { terminal: terminalOf(command), client: createClient(resolveSettings(flags)) };
}
