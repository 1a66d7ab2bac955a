import { writeDeployForm } from '../../contract/form.js';
import { deployReplySchema } from '../../contract/http/functions.js';
import type { VersionOrigin } from '../../contract/version-origin.js';
import { AppError, messageOf } from '../../errors.js';
import type { Client } from '../client.js';
import { Progress } from '../during.js';
import type { Terminal } from '../terminal.js';
import { mapCollectingErrors } from './map-collecting-errors.js';
import { AT_ONCE, type Plan, type PlannedFunction } from './plan.js';

/**
 * Deploys the functions that differ and resolves with the created versions by name. If a deploy
 * fails, rolls back the functions that were deployed.
 */
export async function applyPlan(
  { functions }: Plan,
  origin: VersionOrigin,
  client: Client,
  terminal: Terminal,
): Promise<ReadonlyMap<string, number>> {
  const versions = new Map<string, number>();
  const differing = functions.filter(({ action }) => action !== 'none');
  const progress = new Progress(terminal, 'Deploying', differing.length);
  try {
    await mapCollectingErrors(differing, AT_ONCE, async ({ name, settings, wasm }) => {
      const form = writeDeployForm(settings, client.settings.namespace, origin);
      const deploy = async () => deployReplySchema.parse(await client.deploy(form, wasm)).function.version;
      versions.set(name, await progress.of(name, deploy, (version) => `deployed as version ${version}`));
    });
    return versions;
  } catch (error) {
    const done = differing.filter(({ name }) => versions.has(name));
    await undo(done, client, error);
    throw error;
  } finally {
    progress.end();
  }
}

export function deleteFunction(client: Client, name: string): Promise<unknown> {
  return client.call('DELETE', `/v1/functions/${encodeURIComponent(name)}`);
}

async function undo(done: readonly PlannedFunction[], client: Client, cause: unknown): Promise<void> {
  try {
    await mapCollectingErrors(done, AT_ONCE, ({ name, running }) =>
      running === undefined
        ? deleteFunction(client, name)
        : client.call('POST', `/v1/functions/${encodeURIComponent(name)}/rollback`, {
            json: { version: running },
          }),
    );
  } catch (error) {
    const sentence = `${messageOf(cause)}\nand what was deployed could not be taken back:\n${messageOf(error)}`;
    throw new AppError('conflict', sentence, { cause: error });
  }
}
