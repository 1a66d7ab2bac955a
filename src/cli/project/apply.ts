import { writeDeployForm } from '../../contract/form.js';
import { deployReplySchema } from '../../contract/http/functions.js';
import { AppError, messageOf } from '../../errors.js';
import type { Client } from '../client.js';
import { AT_ONCE, type Plan, type PlannedFunction } from './plan.js';
import { togetherOrAllFailures } from './together.js';

/**
 * Deploys what differs, and returns the versions that were made. When one is refused after all,
 * those that were deployed go back to what ran before.
 */
export async function applyPlan(
  { functions }: Plan,
  client: Client,
  deployed: (name: string, version: number) => void,
): Promise<ReadonlyMap<string, number>> {
  const versions = new Map<string, number>();
  const differing = functions.filter(({ action }) => action !== 'none');
  try {
    await togetherOrAllFailures(differing, AT_ONCE, async ({ name, settings, wasm }) => {
      const reply = await client.deploy(writeDeployForm(settings, client.settings.namespace), wasm);
      const { version } = deployReplySchema.parse(reply).function;
      versions.set(name, version);
      deployed(name, version);
    });
    return versions;
  } catch (error) {
    const done = differing.filter(({ name }) => versions.has(name));
    await undo(done, client, error);
    throw error;
  }
}

export function deleteFunction(client: Client, name: string): Promise<unknown> {
  return client.call('DELETE', `/v1/functions/${encodeURIComponent(name)}`);
}

async function undo(done: readonly PlannedFunction[], client: Client, cause: unknown): Promise<void> {
  try {
    await togetherOrAllFailures(done, AT_ONCE, ({ name, running }) =>
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
