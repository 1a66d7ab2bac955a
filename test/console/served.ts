import type { Closable } from '../../src/ports/closable.js';
import type { Api } from '../helpers/api.js';
import { startCluster } from '../helpers/cluster.js';
import { startEngine } from '../helpers/running-engine.js';

/** An engine for tests of the console. */
export interface Served extends Closable {
  url: string;
  adminKey: string;
  /** With the admin key. */
  api: Api;
  /** What its processes have written to stderr so far. */
  log(): string;
}

/** Everything in one process. */
export async function embedded(): Promise<Served> {
  const { url, adminKey, api, log, close } = await startEngine();
  return { url, adminKey, api, log, close };
}

/** A web process, a worker process and Redis, as the Procfile starts them. */
export async function webAndWorker(): Promise<Served> {
  const cluster = await startCluster();
  const [web, worker] = await Promise.all([cluster.web(), cluster.worker()]);
  const { api } = web;
  const log = () => `${web.log()}\n${worker.log()}`;
  return { url: api.url, adminKey: api.key ?? '', api, log, close: cluster.close };
}
