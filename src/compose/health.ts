import { isAppError } from '../errors.js';
import type { DependencyStates } from '../http/health.js';
import type { Engine } from '../ports/engine.js';
import { answerInTime } from './answer-in-time.js';
import type { Ports } from './ports.js';
import { assertWritable } from './writable.js';

/**
 * Pings every dependency; one that does not respond within 2 s is down. `disk` is checked if some
 * data is stored in the data directory, `threads` in a process that runs functions on an engine.
 */
export async function checkHealth(
  opened: Ports,
  threads: Pick<Engine, 'ping'> | null,
): Promise<DependencyStates> {
  const { queue, store, blobs, cache, bus, databases, config, dataDir, logger } = opened;
  const onDisk = [config.REDIS_URL, config.RQLITE_URL, config.FUNCTION_DB_URL, config.IPFS_API_URL];
  const disk = { ping: () => assertWritable(dataDir.path) };
  const dependencies = {
    queue,
    store,
    blobs,
    cache,
    bus,
    databases,
    ...(onDisk.includes(undefined) ? { disk } : {}),
    ...(threads === null ? {} : { threads }),
  };
  const entries = Object.entries(dependencies).map(async ([name, dependency]) => {
    try {
      await answerInTime(dependency.ping());
      return [name, { status: 'up' as const }] as const;
    } catch (error) {
      logger.warn({ dependency: name, err: error }, 'a dependency is down');
      return [name, { status: 'down' as const, error: publicMessage(error) }] as const;
    }
  });
  return Object.fromEntries(await Promise.all(entries));
}

/**
 * Returns the public message of an error. /health is public, so a driver's details about its server
 * appear only in the log.
 */
function publicMessage(error: unknown): string {
  return isAppError(error) ? error.message : "it failed; the engine's log has the details";
}
