import type { Command } from 'commander';
import { AppError } from '../errors.js';
import { type ConnectionFlags, type Environment, registeredChoice } from './config.js';
import type { Terminal } from './terminal.js';

/** Names of the commands that change nothing. */
const READING = new Set([
  ...['list', 'show', 'get', 'status', 'logs', 'versions', 'usage', 'audit', 'doctor', 'console', 'pull'],
]);

/**
 * Says on stderr which engine a command uses if neither the user nor the directory has chosen one.
 * Throws `bad_config` for a command that makes changes if several engines run.
 */
export function announceEngine(
  flags: ConnectionFlags,
  command: Command,
  terminal: Terminal,
  environment?: Environment,
  directory?: string,
): void {
  const choice = registeredChoice(flags, environment, directory);
  if (choice === undefined) return;
  if (choice.foreign !== undefined) {
    terminal.problem(
      `note: ${choice.foreign} belongs to another user and is not used; name its engine with --url`,
    );
  }
  const [engine] = choice.engines;
  if (engine === undefined) return;
  const isReading = READING.has(command.name()) || command.opts().dryRun === true;
  if (choice.engines.length > 1) {
    const list = choice.engines.map(({ url, dataDir }) => `${url} (${dataDir})`).join(', ');
    if (!isReading) {
      throw new AppError(
        'bad_config',
        `Several engines run on this machine, and none of this directory or one above it: ${list}; choose one with --url or ORAMA_URL`,
      );
    }
    terminal.problem(`note: on ${engine.url}, which started last of: ${list}; choose one with --url`);
  } else if (!isReading) {
    terminal.problem(`note: on ${engine.url}, the engine that runs on this machine (${engine.dataDir})`);
  }
}
