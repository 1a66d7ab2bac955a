import { relative, resolve, sep } from 'node:path';
import { NO_ORIGIN } from '../../contract/version-origin.js';
import { messageOf } from '../../errors.js';
import { createClient } from '../client.js';
import { followLogs } from '../follow-logs.js';
import type { Terminal } from '../terminal.js';
import { watchSources } from '../watch-sources.js';
import { applyPlan } from './apply.js';
import { buildAll } from './build-all.js';
import { planDeploy } from './plan.js';
import { openProject, type Project, type ProjectFunction } from './project.js';
import { readSecrets, storeSecrets } from './secrets.js';

export interface DevEngine {
  url: string;
  functionsUrl: string;
  adminKey: string;
}

/**
 * Runs a project's functions on an engine until the signal is aborted: builds and deploys them at
 * the start and at every change, and prints their logs.
 */
export async function runProject(
  root: string,
  { engine, stage }: { engine: DevEngine; stage: string | undefined },
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const client = createClient({ url: engine.url, apiKey: engine.adminKey });
  const report = (error: unknown) => terminal.problem(`error: ${messageOf(error)}`);
  const followed = new Set<string>();
  const follow = (name: string) => {
    if (followed.has(name)) return;
    followed.add(name);
    const path = `/v1/functions/${encodeURIComponent(name)}/logs`;
    followLogs({ client, terminal, path, query: {}, seen: [], signal }).catch(report);
  };

  const bring = async (changed: ReadonlySet<string> | undefined) => {
    try {
      const project = await openProject(root, stage);
      const meant = project.functions.filter((one) => isAffected(project, one, changed));
      await storeSecrets(client, readSecrets(project));
      await buildAll(meant, terminal);
      const plan = await planDeploy(project, meant, client);
      const versions = await applyPlan(plan, NO_ORIGIN, client, terminal);
      for (const one of meant) {
        const version = versions.get(one.name);
        if (version !== undefined)
          terminal.line(`Deployed ${one.name} version ${version}${calledBy(one, engine)}`);
        follow(one.name);
      }
    } catch (error) {
      // Keep watching: the next change may fix it.
      report(error);
    }
  };

  const watching = watchSources(root, signal, bring);
  await watching.settled();
  terminal.line(`Watching ${relative(process.cwd(), root) || '.'}; stop with Ctrl-C`);
  await watching.ended;
}

/**
 * A file in a function's directory affects that function; any other file, such as a shared library
 * or orama.yaml, may affect all.
 */
function isAffected(
  project: Project,
  { directory }: ProjectFunction,
  changed: ReadonlySet<string> | undefined,
): boolean {
  if (changed === undefined) return true;
  return [...changed].some((file) => {
    const path = resolve(project.root, file);
    const owner = project.functions.find((one) => path.startsWith(resolve(one.directory) + sep));
    return owner === undefined || resolve(owner.directory) === resolve(directory);
  });
}

/**
 * Formats how a function is called: `: POST http://127.0.0.1:4001/default/orders; topic
 * orders:paid`
 */
function calledBy({ manifest: { settings } }: ProjectFunction, engine: DevEngine): string {
  const { http, triggers } = settings.metadata;
  const base = `${engine.functionsUrl}/default`;
  const routes = (http?.routes ?? []).map((route) => route.replace(' ', ` ${base}`));
  const addresses = http === undefined ? [] : [`${base}/${settings.name}`, ...routes];
  const fired = triggers.map((one) => ('topic' in one ? `topic ${one.topic}` : `cron ${one.cron}`));
  return [...addresses, ...fired].map((one) => `\n  ${one}`).join('');
}
