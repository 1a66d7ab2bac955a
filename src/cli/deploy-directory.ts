import { join } from 'node:path';
import { writeDeployForm } from '../contract/form.js';
import { withActivity } from './activity.js';
import { buildFunction, MODULE_FILE } from './build/build.js';
import type { Client } from './client.js';
import { describeBuilt } from './commands/build.js';
import { readFileOr } from './data.js';
import { needsBuild, readManifest } from './function-directory.js';
import type { Terminal } from './terminal.js';
import { originOf } from './version-origin.js';
import type { Manifest } from './yaml/manifest.js';

export interface DeployOptions {
  /** `auto` builds if there is no module or if a source file is newer. */
  build: 'auto' | 'always' | 'never';
  /** Description of the change; default: the subject of the commit. */
  message?: string | undefined;
}

/** Builds a function's directory if needed and deploys it. Resolves with the server's reply. */
export async function deployDirectory(
  directory: string,
  client: Client,
  terminal: Terminal,
  options: DeployOptions,
): Promise<unknown> {
  // Validate the settings before compiling.
  const manifest = readManifest(directory);
  const { settings } = manifest;
  await buildIfNeeded(directory, manifest, terminal, options.build);
  const wasm = await readFileOr(join(directory, MODULE_FILE));
  const origin = await originOf(directory, options.message);
  const form = writeDeployForm(settings, client.settings.namespace, origin);
  return withActivity(terminal, `Deploying ${settings.name}…`, () => client.deploy(form, wasm));
}

/** Builds a function's directory as `when` says, with its manifest already read. */
export async function buildIfNeeded(
  directory: string,
  { settings, build }: Manifest,
  terminal: Terminal,
  when: DeployOptions['build'],
): Promise<void> {
  if (when === 'never' || (when === 'auto' && !(await needsBuild(directory)))) return;
  const built = await withActivity(terminal, `Building ${settings.name}…`, () =>
    buildFunction(directory, build),
  );
  terminal.progress(describeBuilt(built));
}
