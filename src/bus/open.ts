import type { Bus } from '../ports/bus.js';
import type { RedisBusOptions } from './drivers/redis.js';
import type { ReportError } from './handlers.js';

export type BusOptions = { driver: 'local' } | ({ driver: 'redis' } & RedisBusOptions);

/**
 * Opens the bus between the processes. Throws `bad_config` if its server is unreachable.
 *
 * @param report Called for errors of handlers. Default: they are rethrown and end the process.
 */
export async function openBus(options: BusOptions, report: ReportError = rethrow): Promise<Bus> {
  switch (options.driver) {
    case 'local':
      return (await import('./drivers/local.js')).openLocalBus(report);
    case 'redis':
      return (await import('./drivers/redis.js')).openRedisBus(options, report);
  }
}

function rethrow(_message: string, error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
