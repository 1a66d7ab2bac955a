import { Command, Option } from 'commander';
import { VERSION } from '../package.js';
import { addAdmin } from './commands/admin.js';
import { addAliases } from './commands/aliases.js';
import { addAudit } from './commands/audit.js';
import { addBuild } from './commands/build.js';
import { addCompletion } from './commands/completion.js';
import { addConsole } from './commands/console.js';
import { addDead } from './commands/dead.js';
import { addDelete } from './commands/delete.js';
import { addDeploy } from './commands/deploy.js';
import { addDeployProject } from './commands/deploy-project.js';
import { addDev } from './commands/dev.js';
import { addDevProject } from './commands/dev-project.js';
import { addDoctor } from './commands/doctor.js';
import { addGet } from './commands/get.js';
import { addHelp } from './commands/help.js';
import { addInit } from './commands/init.js';
import { addInvocations } from './commands/invocations.js';
import { addInvoke } from './commands/invoke.js';
import { addKeys } from './commands/keys.js';
import { addList } from './commands/list.js';
import { addLogin } from './commands/login.js';
import { addLogs } from './commands/logs.js';
import { addNamespaces } from './commands/namespaces.js';
import { addPublish } from './commands/publish.js';
import { addPull } from './commands/pull.js';
import { addRollback } from './commands/rollback.js';
import { addRollout } from './commands/rollout.js';
import { addSecrets } from './commands/secrets.js';
import { addStatus } from './commands/status.js';
import { addTriggers } from './commands/triggers.js';
import { addUp } from './commands/up.js';
import { addVersions } from './commands/versions.js';
import { examplesOf } from './help/examples.js';
import { setCommonFlagsAside } from './session.js';
import { OUTPUT_FORMATS } from './terminal.js';

/**
 * Creates the command line. Parsing throws CommanderError for wrong usage and AppError for
 * failures.
 */
export function createProgram(): Command {
  const program = new Command('orama')
    .description('Event-driven WASM functions on a persistent queue.')
    .version(VERSION)
    // Otherwise `invoke --version 2` would print the version of the program.
    .enablePositionalOptions()
    .helpCommand(false)
    // Long commands leave less than the 40 columns for which Commander wraps by default.
    .configureHelp({ minWidthToWrap: 20 })
    .exitOverride();

  const fn = program.command('function').alias('fn').description('create, run and manage functions');
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
  addPull(fn);

  // Short forms.
  addInit(program);
  addBuild(program);
  addInvoke(program);
  addLogs(program);
  addDeployProject(program);
  addDevProject(program);

  addUp(program);
  addConsole(program);
  addInvocations(program);
  addLogin(program);
  addKeys(program);
  addAudit(program);
  addNamespaces(program);
  addStatus(program);
  addDoctor(program);
  addAdmin(program);
  addCompletion(program);
  addHelp(program);

  for (const command of withDescendants(program)) {
    const path = pathOf(command);
    const help = ['orama', path, path === 'help' ? '' : '--help'].filter((word) => word !== '').join(' ');
    command.showHelpAfterError(`See how it is used with: ${help}`);
  }
  for (const leaf of leaves(program)) {
    addCommonOptions(leaf);
    leaf.hook('preAction', setCommonFlagsAside);
    addExamples(leaf);
  }
  return program;
}

/** Commands that do not connect to an engine, or start one. */
const LOCAL = new Set(['init', 'build', 'up', 'rotate-secrets-key', 'help']);
/** Commands whose output has only one format. */
const OF_ONE_FORM = new Set(['completion']);

function addCommonOptions(command: Command): void {
  if (OF_ONE_FORM.has(command.name())) return;
  command
    .optionsGroup('Common options:')
    .addOption(new Option('--json', 'print JSON, for scripts').conflicts('output'))
    .addOption(new Option('-o, --output <format>', 'how to print what it shows').choices(OUTPUT_FORMATS));
  // `function dev` deploys to a running engine, while the project's `dev` starts its own.
  if (LOCAL.has(command.name()) || (command.name() === 'dev' && command.parent?.name() === 'orama')) return;
  command
    .option('--url <url>', 'the engine (ORAMA_URL)')
    .option('--api-key <key>', 'the credential (ORAMA_API_KEY)')
    .option('--namespace <name>', 'the namespace (ORAMA_NAMESPACE)');
}

function addExamples(command: Command): void {
  const examples = examplesOf(pathOf(command));
  if (examples.length > 0) {
    command.addHelpText('after', `\nExamples:\n${examples.map((line) => `  $ ${line}`).join('\n')}`);
  }
}

/** Returns the path of a command without `orama`, such as `function invoke`. */
export function pathOf(command: Command | undefined): string {
  if (!command?.parent) return '';
  return `${pathOf(command.parent)} ${command.name()}`.trim();
}

function leaves(command: Command): Command[] {
  return withDescendants(command).filter((one) => one.commands.length === 0);
}

function withDescendants(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withDescendants)];
}
