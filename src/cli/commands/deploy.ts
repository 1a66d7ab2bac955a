import type { Command } from 'commander';
import { deployReplySchema } from '../../contract/http/functions.js';
import { deployDirectory } from '../deploy-directory.js';
import { readManifest } from '../function-directory.js';
import { openSession } from '../session.js';

/** Adds the command `orama function deploy [dir]`. */
export function addDeploy(parent: Command): void {
  parent
    .command('deploy')
    .description(
      'deploy the function of a directory as a new version; builds it first if its source has changed',
    )
    .argument('[dir]', 'directory with function.yaml', '.')
    .option('--no-build', 'deploy the existing function.wasm')
    .action((directory: string, flags: { build: boolean }, command: Command) =>
      deployOne(directory, flags.build, command),
    );
}

export async function deployOne(directory: string, build: boolean, command: Command): Promise<void> {
  const { client, terminal } = openSession(command);
  const reply = await deployDirectory(directory, client, terminal, { build: build ? 'auto' : 'never' });
  terminal.show(reply, deployReplySchema, (done) => {
    const { name, version, warm_start } = done.function;
    return `Deployed ${name} version ${version} (start: ${warm_start})`;
  });
  terminal.progress(`Run it with: orama function invoke ${readManifest(directory).settings.name}`);
}
