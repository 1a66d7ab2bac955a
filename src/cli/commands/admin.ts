import type { Command } from 'commander';
import { terminalOf } from '../session.js';

/** Adds the command `orama admin`. */
export function addAdmin(program: Command): void {
  const admin = program.command('admin').description('administer an installation');
  admin
    .command('rotate-secrets-key')
    .description('re-encrypt every secret with a new master key')
    .option('--data <dir>', 'directory of the embedded stores (ORAMA_DATA_DIR, .orama)')
    .action(async (flags: { data?: string }, command: Command) => {
      const terminal = terminalOf(command);
      const { rotateSecretsKey } = await import('../../admin.js');
      const { resealed } = await rotateSecretsKey(flags.data === undefined ? {} : { dataDir: flags.data });
      if (terminal.json) terminal.value({ resealed });
      else terminal.line(`Sealed ${resealed} secrets with a new master key.`);
    });
}
