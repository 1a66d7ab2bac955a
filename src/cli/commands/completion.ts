import { Argument, type Command } from 'commander';
import { SCRIPTS, SHELLS, type Shell } from '../completion/scripts.js';
import { writePrintable } from '../terminal.js';

/** Adds the command `orama completion bash|zsh|fish`. */
export function addCompletion(program: Command): void {
  program
    .command('completion')
    .description('print the completion script of a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .action((shell: Shell) => {
      writePrintable(process.stdout, SCRIPTS[shell]);
    });
}
