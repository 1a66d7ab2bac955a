import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { AppError } from '../../errors.js';
import { MANIFEST_FILE } from '../function-directory.js';
import { deployProject, type ProjectDeployFlags } from '../project/deploy.js';
import { findProject, needsProject } from '../project/project.js';
import { commonFlagsOf, terminalOf } from '../session.js';
import { DRY_RUN_OPTION, deployOne, MESSAGE_OPTION } from './deploy.js';

/**
 * Adds the command `orama deploy`. Deploys the project that contains the current directory; outside
 * a project, deploys one function's directory like `orama function deploy`.
 */
export function addDeployProject(program: Command): void {
  program
    .command('deploy')
    .description(
      'build the functions of the project (orama.yaml) and deploy those that differ from the deployed ones; without a project: the function of a directory',
    )
    .argument('[names...]', 'functions of the project; default: all')
    .option('--stage <name>', 'a stage of orama.yaml')
    .option('--dry-run', DRY_RUN_OPTION)
    .option('--prune', 'delete functions of the namespace that are not part of the project')
    .option('--no-build', 'deploy the existing modules')
    .option('-m, --message <text>', MESSAGE_OPTION)
    .option('--no-secrets', 'do not change the secrets of the namespace')
    .action(async (names: string[], flags: ProjectDeployFlags, command: Command) => {
      const root = findProject(process.cwd());
      if (root === undefined) {
        refuseOutsideProject(names, flags, command);
        if (names.length === 0 && !existsSync(MANIFEST_FILE)) {
          throw new AppError(
            'invalid_manifest',
            'There is neither a project (orama.yaml, here or above) nor a function (function.yaml) in this directory; name the directory of a function, or make one with "orama function init hello"',
          );
        }
        await deployOne(names[0] ?? '.', flags, command);
        return;
      }
      if (flags.prune === true && names.length > 0) {
        command.error('error: --prune is for the whole project; name no functions with it');
      }
      const connection = commonFlagsOf(command);
      await deployProject(root, names, flags, { terminal: terminalOf(command), connection, command });
    });
}

/** Ends with exit code 2 if a flag or an argument needs a project. */
function refuseOutsideProject(
  names: readonly string[],
  { stage, prune }: ProjectDeployFlags,
  command: Command,
): void {
  let what: string;
  if (stage !== undefined) what = '--stage';
  else if (prune !== undefined) what = '--prune';
  else if (names.length > 1) what = 'deploying several functions';
  else return;
  command.error(needsProject(what, 'deploy one function with "orama deploy <dir>"'));
}
