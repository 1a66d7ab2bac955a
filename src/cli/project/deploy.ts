import type { Command } from 'commander';
import { announceEngine } from '../assumed-engine.js';
import { type Client, createClient } from '../client.js';
import type { ConnectionFlags } from '../config.js';
import { warnOfLiveAliases } from '../live-alias.js';
import type { Terminal } from '../terminal.js';
import { warnOfUnsetSecrets } from '../unset-secrets.js';
import { originOf } from '../version-origin.js';
import { applyPlan, deleteFunction } from './apply.js';
import { assertBuilt, buildAll } from './build-all.js';
import { mapCollectingErrors } from './map-collecting-errors.js';
import { AT_ONCE, type Plan, planDeploy } from './plan.js';
import { chosenFunctions, connectionOf, openProject, type Project, type ProjectFunction } from './project.js';
import { renderPlan } from './render.js';
import { readSecrets, storeSecrets } from './secrets.js';

export interface ProjectDeployFlags {
  stage?: string;
  build: boolean;
  dryRun?: boolean;
  prune?: boolean;
  secrets: boolean;
  message?: string;
}

/**
 * Builds the functions of a project, prints how they differ from the deployed ones on the stage,
 * and deploys the differences.
 */
export async function deployProject(
  root: string,
  names: readonly string[],
  flags: ProjectDeployFlags,
  { terminal, connection, command }: { terminal: Terminal; connection: ConnectionFlags; command: Command },
): Promise<void> {
  const project = await openProject(root, flags.stage);
  const chosen = chosenFunctions(project, names);
  const client = createClient(connectionOf(project, connection));
  const { url = project.stage?.url } = connection;
  announceEngine(url === undefined ? {} : { url }, command, terminal, project.environment, root);
  const secrets = flags.secrets ? readSecrets(project) : new Map<string, string>();
  const prune = flags.prune === true;

  if (flags.build) await buildAll(chosen, terminal);
  else assertBuilt(chosen);
  const plan = await planDeploy(project, chosen, client);
  if (!terminal.json) {
    terminal.line(`${headline(project, client.settings.url)}\n${renderPlan(plan, prune, terminal.colors)}`);
    if (secrets.size > 0) terminal.line(`  secrets: ${[...secrets.keys()].join(', ')}`);
  }
  if (flags.dryRun === true) {
    printOutcome(terminal, { plan, prune, secrets, dryRun: true, versions: new Map() });
    return;
  }
  // Before the deploy, since the functions read the secrets.
  await storeSecrets(client, secrets);
  const origin = await originOf(root, flags.message);
  const versions = await applyPlan(plan, origin, client, terminal);
  if (prune) {
    const gone = plan.undeclared.map((name) => ({ name }));
    await mapCollectingErrors(gone, AT_ONCE, ({ name }) => deleteFunction(client, name));
  }
  printOutcome(terminal, { plan, prune, secrets, dryRun: false, versions });
  const settings = chosen.map(({ manifest }) => manifest.settings);
  await warnOfUnsetSecrets(settings, client, terminal);
  await warnOfLiveAliases(versions, client, terminal);
}

/**
 * Prints how a built function that belongs to no project differs from the deployed one, after the
 * engine has validated it. Changes nothing.
 */
export async function dryRunFunction(
  one: ProjectFunction,
  client: Client,
  terminal: Terminal,
): Promise<void> {
  const { functions } = await planDeploy({ functions: [one] }, [one], client);
  // Other functions of the namespace are not concerned.
  const plan: Plan = { functions, undeclared: [] };
  if (!terminal.json) terminal.line(`On ${client.settings.url}\n${renderPlan(plan, false, terminal.colors)}`);
  printOutcome(terminal, { plan, prune: false, secrets: new Map(), dryRun: true, versions: new Map() });
}

interface DeployPlan {
  plan: Plan;
  prune: boolean;
  secrets: ReadonlyMap<string, string>;
  dryRun: boolean;
  versions: ReadonlyMap<string, number>;
}

function printOutcome(terminal: Terminal, { plan, prune, secrets, dryRun, versions }: DeployPlan): void {
  const removed = prune ? plan.undeclared : [];
  if (terminal.json) {
    const functions = plan.functions.map(({ name, action, changes, running }) => ({
      name,
      action,
      changes,
      version: versions.get(name) ?? running ?? null,
    }));
    const undeclared = prune ? [] : plan.undeclared;
    const report = {
      dry_run: dryRun,
      functions,
      removed,
      not_in_project: undeclared,
      secrets: [...secrets.keys()],
    };
    terminal.value(report);
    return;
  }
  const differing = plan.functions.filter(({ action }) => action !== 'none').length;
  const removals = removed.length === 0 ? '' : `, ${removed.length} removed`;
  const unchanged = plan.functions.length - differing;
  terminal.line(
    dryRun
      ? `Dry run: ${differing} to deploy, ${unchanged} unchanged${removals}; nothing was changed`
      : `Deployed ${differing}, ${unchanged} unchanged${removals}`,
  );
}

function headline({ stage }: Project, url: string): string {
  return stage === undefined ? `On ${url}` : `Stage ${stage.name}, on ${url}`;
}
