import { Argument, type Command } from 'commander';
import { SCRIPTS, SHELLS, type Shell } from '../completion/scripts.js';
import { writePrintable } from '../terminal.js';

/** `orama completion bash|zsh|fish` */
export function addCompletion(program: Command): void {
  program
    .command('completion')
    .description('print the script that completes commands, options and names in a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .action((shell: Shell) => {
      writePrintable(process.stdout, SCRIPTS[shell]);
    });
}
