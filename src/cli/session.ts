import type { Command } from 'commander';
import { type Client, createClient } from './client.js';
import { type ConnectionFlags, resolveSettings } from './config.js';
import { createTerminal, type Terminal } from './terminal.js';

interface CommonFlags extends ConnectionFlags {
  json?: boolean;
}

/** The terminal as this command's flags want it. */
export function terminalOf(command: Command): Terminal {
  return createTerminal(process, command.optsWithGlobals<CommonFlags>().json === true);
}

export interface Session {
  terminal: Terminal;
  client: Client;
}

/** What a command that talks to the engine needs. */
export function openSession(command: Command): Session {
  const flags = command.optsWithGlobals<CommonFlags>();
  return { terminal: terminalOf(command), client: createClient(resolveSettings(flags)) };
}
