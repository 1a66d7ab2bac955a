import type { Command } from 'commander';
import type { FunctionSettings } from '../../contract/function.js';
import { deployReplySchema } from '../../contract/http/functions.js';
import { buildDirectory, deployDirectory } from '../deploy-directory.js';
import { readManifest } from '../function-directory.js';
import { warnOfLiveAliases } from '../live-alias.js';
import { assertBuilt } from '../project/build-all.js';
import { dryRunFunction } from '../project/deploy.js';
import { openSession } from '../session.js';
import { warnOfUnsetSecrets } from '../unset-secrets.js';

/** Adds the command `orama function deploy [dir]`. */
export function addDeploy(parent: Command): void {
  parent
    .command('deploy')
    .description('build the function of a directory and deploy it as a new version')
    .argument('[dir]', 'directory with function.yaml', '.')
    .option('--dry-run', DRY_RUN_OPTION)
    .option('--no-build', 'deploy the existing function.wasm')
    .option('-m, --message <text>', MESSAGE_OPTION)
    .action((directory: string, flags: DeployFlags, command: Command) =>
      deployOne(directory, flags, command),
    );
}

export interface DeployFlags {
  build: boolean;
  dryRun?: boolean;
  message?: string;
}

export const DRY_RUN_OPTION = 'show and validate the differences without changing anything';

export const MESSAGE_OPTION =
  'what changed, shown with the version (by default the subject of the commit of git that is checked out)';

export async function deployOne(directory: string, flags: DeployFlags, command: Command): Promise<void> {
  const { client, terminal } = openSession(command);
  const { message } = flags;
  const manifest = readManifest(directory);
  const one = { name: manifest.settings.name, directory, manifest };
  if (!flags.build) assertBuilt([one]);
  if (flags.dryRun === true) {
    if (flags.build) await buildDirectory(directory, manifest, terminal);
    await dryRunFunction(one, client, terminal);
    return;
  }
  const reply = await deployDirectory(directory, client, terminal, { noBuild: !flags.build, message });
  terminal.show(reply, deployReplySchema, (done) => {
    const { name, version, warm_start } = done.function;
    return `Deployed ${name} version ${version} (start: ${warm_start})`;
  });
  const { settings } = manifest;
  await warnOfUnsetSecrets([settings], client, terminal);
  const { name, version } = deployReplySchema.parse(reply).function;
  const older = await warnOfLiveAliases(new Map([[name, version]]), client, terminal);
  terminal.progress(
    older.has(name) ? `Run it with: orama function invoke ${name}@${version}` : nextStep(settings),
  );
}

/** Returns the command that calls the function, depending on how it is triggered. */
function nextStep({ name, metadata: { http, triggers } }: FunctionSettings): string {
  const topics = triggers.flatMap((trigger) => ('topic' in trigger ? [trigger.topic] : []));
  const topic = topics.find((one) => !/[*>]/.test(one));
  if (http !== undefined || triggers.length === 0) return `Run it with: orama function invoke ${name}`;
  if (topic !== undefined) return `Fire it with: orama function publish ${topic} --data '{}'`;
  return `See what fires it with: orama function triggers list ${name}`;
}
