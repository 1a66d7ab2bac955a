import { join } from 'node:path';
import pMap from 'p-map';
import { cidText } from '../../blobs/unixfs.js';
import { writeDeployForm } from '../../contract/form.js';
import type { FunctionSettings } from '../../contract/function.js';
import { functionsReplySchema } from '../../contract/http/functions.js';
import { MODULE_FILE } from '../build/build.js';
import type { Client } from '../client.js';
import { readFileOr } from '../data.js';
import { deployedVersionSchema } from '../deployed-settings.js';
import { type Change, changesBetween } from './changes.js';
import { mapCollectingErrors } from './map-collecting-errors.js';
import type { Project, ProjectFunction } from './project.js';

/** Maximum number of concurrent requests. */
export const AT_ONCE = 4;

export interface PlannedFunction {
  name: string;
  action: 'create' | 'update' | 'none';
  /** The currently deployed version. */
  running: number | undefined;
  changes: readonly Change[];
  settings: FunctionSettings;
  wasm: Uint8Array;
}

export interface Plan {
  functions: readonly PlannedFunction[];
  /** Functions of the namespace that are not part of the project. */
  undeclared: readonly string[];
}

/**
 * Compares the built functions with the deployed ones and has the engine validate each difference.
 * Changes nothing.
 */
export async function planDeploy(
  project: Pick<Project, 'functions'>,
  chosen: readonly ProjectFunction[],
  client: Client,
): Promise<Plan> {
  const { functions: running } = functionsReplySchema.parse(await client.call('GET', '/v1/functions'));
  const deployed = new Set<string>(running.map(({ name }) => name));
  const functions = await pMap(chosen, (one) => compare(one, deployed.has(one.name), client), {
    concurrency: AT_ONCE,
  });
  const differing = functions.filter(({ action }) => action !== 'none');
  await mapCollectingErrors(differing, AT_ONCE, ({ settings, wasm }) =>
    client.checkDeploy(writeDeployForm(settings, client.settings.namespace), wasm),
  );
  const own = new Set(project.functions.map(({ name }) => name));
  return { functions, undeclared: [...deployed].filter((name) => !own.has(name)).sort() };
}

async function compare(
  { name, directory, manifest: { settings } }: ProjectFunction,
  exists: boolean,
  client: Client,
): Promise<PlannedFunction> {
  const wasm = await readFileOr(join(directory, MODULE_FILE));
  if (!exists) return { name, action: 'create', running: undefined, changes: [], settings, wasm };
  const path = `/v1/functions/${encodeURIComponent(name)}/settings`;
  const deployed = deployedVersionSchema.parse(await client.call('GET', path));
  const cid = await cidText(wasm);
  const changes = changesBetween(deployed.settings, settings);
  if (cid !== deployed.wasm_cid) changes.unshift({ key: 'module', from: deployed.wasm_cid, to: cid });
  const action = changes.length === 0 ? 'none' : 'update';
  return { name, action, running: deployed.version, changes, settings, wasm };
}
