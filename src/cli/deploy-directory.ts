import { join } from 'node:path';
import { writeDeployForm } from '../contract/form.js';
import { withActivity } from './activity.js';
import { buildFunction, isPrebuilt, MODULE_FILE } from './build/build.js';
import type { Client } from './client.js';
import { describeBuilt } from './commands/build.js';
import { readFileOr } from './data.js';
import { readManifest } from './function-directory.js';
import type { Terminal } from './terminal.js';
import { originOf } from './version-origin.js';
import type { Manifest } from './yaml/manifest.js';

export interface DeployOptions {
  /** Whether to deploy the existing module. */
  noBuild?: boolean;
  /** Description of the change; default: the subject of the commit. */
  message?: string | undefined;
}

/** Builds a function's directory and deploys it. Resolves with the server's reply. */
export async function deployDirectory(
  directory: string,
  client: Client,
  terminal: Terminal,
  options: DeployOptions = {},
): Promise<unknown> {
  // Validate the settings before compiling.
  const manifest = readManifest(directory);
  const { settings } = manifest;
  if (options.noBuild !== true) await buildDirectory(directory, manifest, terminal);
  const wasm = await readFileOr(join(directory, MODULE_FILE));
  const origin = await originOf(directory, options.message);
  const form = writeDeployForm(settings, client.settings.namespace, origin);
  return withActivity(terminal, `Deploying ${settings.name}…`, () => client.deploy(form, wasm));
}

/**
 * Builds a function's directory, even if none of its files has changed: shared files may be outside
 * of it, and compilers have their own caches. A module without sources stays as it is.
 */
export async function buildDirectory(
  directory: string,
  { settings, build }: Manifest,
  terminal: Terminal,
): Promise<void> {
  if (isPrebuilt(directory, build)) return;
  const built = await withActivity(terminal, `Building ${settings.name}…`, () =>
    buildFunction(directory, build),
  );
  for (const warning of built.warnings) terminal.problem(`warning: ${warning}`);
  terminal.progress(describeBuilt(built));
}
