import { availableParallelism } from 'node:os';
import { relative, resolve, sep } from 'node:path';
import pMap from 'p-map';
import { NO_ORIGIN } from '../../contract/version-origin.js';
import { messageOf } from '../../errors.js';
import { createClient } from '../client.js';
import { logFollower } from '../follow-logs.js';
import { mayBeSource } from '../function-directory.js';
import { warnOfLiveAliases } from '../live-alias.js';
import type { Terminal } from '../terminal.js';
import { watchSources } from '../watch-sources.js';
import { applyPlan } from './apply.js';
import { buildAll } from './build-all.js';
import { planDeploy } from './plan.js';
import { openProject, type Project, type ProjectFunction } from './project.js';
import { readSecretsIfThere, storeSecrets } from './secrets.js';

export interface DevEngine {
  url: string;
  functionsUrl: string;
  adminKey: string;
  dataDir: string;
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
  const follow = logFollower({ client, terminal, signal });
  // The engine is in this process, so its time is the same.
  const started = new Date().toISOString();

  const shown = new Set<string>();
  const deploy = async (project: Project, one: ProjectFunction) => {
    try {
      await buildAll([one], terminal);
      const plan = await planDeploy(project, [one], client);
      const versions = await applyPlan(plan, NO_ORIGIN, client, terminal);
      const version = versions.get(one.name);
      if (version !== undefined) {
        terminal.line(`Deployed ${one.name} version ${version}${calledBy(one, engine)}`);
      } else if (!shown.has(one.name)) {
        // Deployed at an earlier start, whose addresses may have been others.
        terminal.line(`Unchanged: ${one.name} version ${plan.functions[0]?.running}${calledBy(one, engine)}`);
      }
      await warnOfLiveAliases(versions, client, terminal);
      shown.add(one.name);
      follow(one.name, started);
    } catch (error) {
      // Each function by itself: one that does not build holds back no other.
      report(error);
    }
  };

  const warned = new Set<string>();
  const warnOnce = (warning: string) => {
    if (!warned.has(warning)) terminal.problem(warning);
    warned.add(warning);
  };

  /** Changes since the project could last be read. */
  const due = new Set<string>();
  let isAllDue = true;
  const bring = async (changed: ReadonlySet<string> = new Set()) => {
    for (const file of changed) due.add(file);
    try {
      const project = await openProject(root, stage);
      await storeSecrets(client, readSecretsIfThere(project, warnOnce));
      const meant = project.functions.filter((one) => isAllDue || isAffected(project, one, due));
      due.clear();
      isAllDue = false;
      await pMap(meant, (one) => deploy(project, one), { concurrency: availableParallelism() });
    } catch (error) {
      // Keep watching: the next change may fix it.
      report(error);
    }
  };

  const data = resolve(engine.dataDir) + sep;
  const isWatched = (file: string) => mayBeSource(file) && !resolve(root, file).startsWith(data);
  const watching = watchSources(root, { signal, report, isWatched }, bring);
  await watching.settled();
  terminal.line(`Watching ${relative(process.cwd(), root) || '.'}; stop with Ctrl-C`);
  await watching.ended;
}

/**
 * A file in a function's directory affects that function; any other file, such as a shared library
 * or orama.yaml, may affect all.
 */
function isAffected(project: Project, { directory }: ProjectFunction, changed: ReadonlySet<string>): boolean {
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
