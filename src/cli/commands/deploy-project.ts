import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { AppError } from '../../errors.js';
import { MANIFEST_FILE } from '../function-directory.js';
import { assertPruneOfAll, deployProject, type ProjectDeployFlags } from '../project/deploy.js';
import { findProject } from '../project/project.js';
import { terminalOf } from '../session.js';
import { deployOne, MESSAGE_OPTION } from './deploy.js';

/**
 * `orama deploy`: the project around here, or else one function's directory, as `orama function
 * deploy`.
 */
export function addDeployProject(program: Command): void {
  program
    .command('deploy')
    .description(
      'build the functions of the project (orama.yaml), and deploy what differs from what runs; without a project: the function of a directory',
    )
    .argument('[names...]', 'functions of the project; all unless told')
    .option('--stage <name>', 'a stage of orama.yaml')
    .option('--dry-run', 'show what differs, have it checked, and change nothing')
    .option('--prune', 'remove functions of the namespace that the project does not have')
    .option('--no-build', 'deploy the modules that are there')
    .option('-m, --message <text>', MESSAGE_OPTION)
    .option('--no-secrets', "leave the namespace's secrets as they are")
    .action(async (names: string[], flags: ProjectDeployFlags, command: Command) => {
      const root = findProject(process.cwd());
      if (root === undefined) {
        const ofProject = ['stage', 'dryRun', 'prune'].some(
          (name) => command.getOptionValue(name) !== undefined,
        );
        if (names.length > 1 || ofProject) {
          command.error('error: there is no orama.yaml here or above; a project has one');
        }
        if (names.length === 0 && !existsSync(MANIFEST_FILE)) {
          throw new AppError(
            'invalid_manifest',
            'There is neither a project (orama.yaml, here or above) nor a function (function.yaml) in this directory; name the directory of a function, or make one with "orama function init hello"',
          );
        }
        await deployOne(names[0] ?? '.', flags, command);
        return;
      }
      assertPruneOfAll(names, flags.prune);
      await deployProject(root, names, flags, terminalOf(command));
    });
}
