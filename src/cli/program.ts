import { Command } from 'commander';
import { addAdmin } from './commands/admin.js';
import { addAliases } from './commands/aliases.js';
import { addBuild } from './commands/build.js';
import { addConsole } from './commands/console.js';
import { addDead } from './commands/dead.js';
import { addDelete } from './commands/delete.js';
import { addDeploy } from './commands/deploy.js';
import { addDeployProject } from './commands/deploy-project.js';
import { addDev } from './commands/dev.js';
import { addDevProject } from './commands/dev-project.js';
import { addGet } from './commands/get.js';
import { addInit } from './commands/init.js';
import { addInvoke } from './commands/invoke.js';
import { addKeys } from './commands/keys.js';
import { addList } from './commands/list.js';
import { addLogin } from './commands/login.js';
import { addLogs } from './commands/logs.js';
import { addNamespaces } from './commands/namespaces.js';
import { addPublish } from './commands/publish.js';
import { addRollback } from './commands/rollback.js';
import { addRollout } from './commands/rollout.js';
import { addSecrets } from './commands/secrets.js';
import { addStatus } from './commands/status.js';
import { addTriggers } from './commands/triggers.js';
import { addUp } from './commands/up.js';
import { addVersions } from './commands/versions.js';
import { packageVersion } from './package.js';

/** The whole command line. Throws CommanderError for wrong usage and AppError for what failed. */
export function createProgram(): Command {
  const program = new Command('orama')
    .description('Event-driven WASM functions on a persistent queue.')
    .version(packageVersion())
    // Else `invoke --version 2` would print the version of the program.
    .enablePositionalOptions()
    .showHelpAfterError('Run the command with --help to see how it is used.')
    .exitOverride();

  const fn = program.command('function').alias('fn').description('make, run and look after functions');
  addInit(fn);
  addBuild(fn);
  addDeploy(fn);
  addInvoke(fn);
  addList(fn);
  addGet(fn);
  addDelete(fn);
  addLogs(fn);
  addVersions(fn);
  addRollback(fn);
  addAliases(fn);
  addRollout(fn);
  addSecrets(fn);
  addTriggers(fn);
  addDead(fn);
  addDev(fn);
  addPublish(fn);

  // The short forms.
  addInit(program);
  addBuild(program);
  addInvoke(program);
  addLogs(program);
  addDeployProject(program);
  addDevProject(program);

  addUp(program);
  addConsole(program);
  addLogin(program);
  addKeys(program);
  addNamespaces(program);
  addStatus(program);
  addAdmin(program);

  for (const leaf of leaves(program)) addCommonOptions(leaf);
  return program;
}

/** Commands that talk to no engine, or start one. */
const LOCAL = new Set(['init', 'build', 'up', 'rotate-secrets-key']);

function addCommonOptions(command: Command): void {
  command.optionsGroup('Common options:').option('--json', 'print JSON, for scripts');
  // A function's `dev` deploys to an engine that runs; a project's starts its own.
  if (LOCAL.has(command.name()) || (command.name() === 'dev' && command.parent?.name() === 'orama')) return;
  command
    .option('--url <url>', 'the engine (ORAMA_URL)')
    .option('--api-key <key>', 'the credential (ORAMA_API_KEY)')
    .option('--namespace <name>', 'the namespace (ORAMA_NAMESPACE)');
}

function leaves(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}
