import { join } from 'node:path';
import { writeDeployForm } from '../contract/form.js';
import { buildFunction, MODULE_FILE } from './build/build.js';
import type { Client } from './client.js';
import { describeBuilt } from './commands/build.js';
import { readFileOr } from './data.js';
import { needsBuild, readManifest } from './function-directory.js';
import type { Terminal } from './terminal.js';

export interface DeployOptions {
  /** `auto`: when there is no module, or source newer than it. */
  build: 'auto' | 'always' | 'never';
}

/** Builds what needs building and deploys a function's directory. Returns the server's reply. */
export async function deployDirectory(
  directory: string,
  client: Client,
  terminal: Terminal,
  options: DeployOptions,
): Promise<unknown> {
  // First of all: settings that would be refused are refused before anything is compiled.
  const { settings, build } = readManifest(directory);
  if (options.build === 'always' || (options.build === 'auto' && (await needsBuild(directory)))) {
    terminal.progress(`Building ${settings.name}…`);
    terminal.progress(describeBuilt(await buildFunction(directory, build)));
  }
  const wasm = await readFileOr(join(directory, MODULE_FILE));
  terminal.progress(`Deploying ${settings.name}…`);
  return client.deploy(writeDeployForm(settings, client.settings.namespace), wasm);
}
