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
}

/** Everything in one process. */
export async function embedded(): Promise<Served> {
  const { url, adminKey, api, close } = await startEngine();
  return { url, adminKey, api, close };
}

/** A web process, a worker process and Redis, as the Procfile starts them. */
export async function webAndWorker(): Promise<Served> {
  const cluster = await startCluster();
  const [web] = await Promise.all([cluster.web(), cluster.worker()]);
  return { url: web.api.url, adminKey: web.api.key ?? '', api: web.api, close: cluster.close };
}
