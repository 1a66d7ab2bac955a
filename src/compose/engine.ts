import { openEngine } from '../../workers/engine/engine.js';
import type { Closers } from '../closers.js';
import type { Engine } from '../ports/engine.js';
import type { Ports } from './ports.js';

/**
 * Opens the engine. A web process runs no guests; one thread validates and compiles deployed
 * modules.
 */
export function composeEngine({ config, logger }: Ports, role: 'web' | 'worker', closers: Closers): Engine {
  const engine =
    role === 'worker'
      ? openEngine({
          threads: config.WORKER_THREADS,
          parked: config.WORKER_PARKED,
          memoryMb: config.WORKER_MEMORY_MB,
          warn: (message, error) => logger.warn({ err: error }, message),
        })
      : openEngine({ threads: 0, parked: 0, memoryMb: config.WORKER_MEMORY_MB });
  return closers.add(engine);
}
