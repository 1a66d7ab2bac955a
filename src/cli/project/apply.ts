import { cidText } from '../../blobs/unixfs.js';
import { writeDeployForm } from '../../contract/form.js';
import { deployReplySchema } from '../../contract/http/functions.js';
import type { VersionOrigin } from '../../contract/version-origin.js';
import { AppError, isAppError, messageOf } from '../../errors.js';
import { Progress } from '../activity.js';
import type { Client } from '../client.js';
import { deployedVersionSchema } from '../deployed-settings.js';
import type { Terminal } from '../terminal.js';
import { mapCollectingErrors } from './map-collecting-errors.js';
import { AT_ONCE, type Plan, type PlannedFunction } from './plan.js';

/**
 * Deploys the functions that differ and resolves with the created versions by name. If a deploy
 * fails, rolls back the functions that were deployed, also one whose deploy failed without an
 * answer that says whether its version was added.
 */
export async function applyPlan(
  { functions }: Plan,
  origin: VersionOrigin,
  client: Client,
  terminal: Terminal,
): Promise<ReadonlyMap<string, number>> {
  const versions = new Map<string, number>();
  const uncertain: PlannedFunction[] = [];
  const differing = functions.filter(({ action }) => action !== 'none');
  const progress = new Progress(terminal, 'Deploying', differing.length);
  try {
    await mapCollectingErrors(differing, AT_ONCE, async (one) => {
      const { name, settings, wasm } = one;
      const form = writeDeployForm(settings, client.settings.namespace, origin);
      const deploy = async () => {
        try {
          return deployReplySchema.parse(await client.deploy(form, wasm)).function.version;
        } catch (error) {
          if (!isRefusal(error)) uncertain.push(one);
          throw error;
        }
      };
      versions.set(name, await progress.of(name, deploy, (version) => `deployed as version ${version}`));
    });
    return versions;
  } catch (error) {
    const done = differing.filter(({ name }) => versions.has(name));
    await undo({ done, uncertain }, client, error);
    throw error;
  } finally {
    progress.end();
  }
}

export function deleteFunction(client: Client, name: string): Promise<unknown> {
  return client.call('DELETE', `/v1/functions/${encodeURIComponent(name)}`);
}

/** Whether the engine has answered that it did not add the version. */
function isRefusal(error: unknown): boolean {
  return isAppError(error) && error.status < 500;
}

interface Undone {
  done: readonly PlannedFunction[];
  /** Functions whose version may have been added. */
  uncertain: readonly PlannedFunction[];
}

async function undo({ done, uncertain }: Undone, client: Client, cause: unknown): Promise<void> {
  try {
    await mapCollectingErrors([...done, ...uncertain], AT_ONCE, async (one) => {
      if (uncertain.includes(one) && !(await wasAdded(one, client))) return;
      await takeBack(one, client);
    });
  } catch (error) {
    const sentence = `${messageOf(cause)}\nand what was deployed could not be taken back:\n${messageOf(error)}`;
    throw new AppError('conflict', sentence, { cause: error });
  }
}

function takeBack({ name, running }: PlannedFunction, client: Client): Promise<unknown> {
  if (running === undefined) return deleteFunction(client, name);
  const path = `/v1/functions/${encodeURIComponent(name)}/rollback`;
  return client.call('POST', path, { json: { version: running } });
}

/** Returns whether the newest version is the one of the plan; somebody else may have deployed. */
async function wasAdded({ name, running = 0, wasm }: PlannedFunction, client: Client): Promise<boolean> {
  try {
    const path = `/v1/functions/${encodeURIComponent(name)}/settings`;
    const newest = deployedVersionSchema.parse(await client.call('GET', path));
    return newest.version > running && newest.wasm_cid === (await cidText(wasm));
  } catch (error) {
    if (isAppError(error, 'function_not_found')) return false;
    throw new AppError('unavailable', `it may have been deployed: ${messageOf(error)}`, { cause: error });
  }
}
