import { join } from 'node:path';
import { writeDeployForm } from '../contract/form.js';
import { buildFunction, MODULE_FILE } from './build/build.js';
import type { Client } from './client.js';
import { describeBuilt } from './commands/build.js';
import { readFileOr } from './data.js';
import { during } from './during.js';
import { needsBuild, readManifest } from './function-directory.js';
import type { Terminal } from './terminal.js';

export interface DeployOptions {
  /** `auto` builds if there is no module or if a source file is newer. */
  build: 'auto' | 'always' | 'never';
}

/** Builds a function's directory if needed and deploys it. Resolves with the server's reply. */
export async function deployDirectory(
  directory: string,
  client: Client,
  terminal: Terminal,
  options: DeployOptions,
): Promise<unknown> {
  // Validate the settings before compiling.
  const { settings, build } = readManifest(directory);
  if (options.build === 'always' || (options.build === 'auto' && (await needsBuild(directory)))) {
    const built = await during(terminal, `Building ${settings.name}…`, () => buildFunction(directory, build));
    terminal.progress(describeBuilt(built));
  }
  const wasm = await readFileOr(join(directory, MODULE_FILE));
  const form = writeDeployForm(settings, client.settings.namespace);
  return during(terminal, `Deploying ${settings.name}…`, () => client.deploy(form, wasm));
}
