import type { ExecutionContext } from 'ava';
import type { Api } from './api.js';
import type { Cluster } from './cluster.js';
import { startEngine } from './running-engine.js';

/** A running installation, all processes of which a test kills with SIGKILL. */
export interface Killable {
  api: Api;
  killAll(): Promise<void>;
}

/** Starts an embedded engine on a data directory. */
export async function startKillableEngine(t: ExecutionContext, dataDir: string): Promise<Killable> {
  const engine = await startEngine({ dataDir });
  t.teardown(engine.kill9);
  return { api: engine.api, killAll: engine.kill9 };
}

/** Starts a web and a worker process. `killAll` also kills Redis, and starts only Redis again. */
export async function startKillableCluster(cluster: Cluster): Promise<Killable> {
  const [web, worker] = await Promise.all([cluster.web(), cluster.worker()]);
  const killAll = async () => {
    await Promise.all([web.kill9(), worker.kill9(), cluster.redis.kill()]);
    await cluster.redis.restart();
  };
  return { api: web.api, killAll };
}
