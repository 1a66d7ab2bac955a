import type { Bus } from '../ports/bus.js';
import { openLocalBus } from './drivers/local.js';
import { openRedisBus, type RedisBusOptions } from './drivers/redis.js';

export type BusOptions = { driver: 'local' } | ({ driver: 'redis' } & RedisBusOptions);

/** Opens the bus between the processes. Throws `bad_config` if its server is unreachable. */
export function openBus(options: BusOptions): Promise<Bus> {
  switch (options.driver) {
    case 'local':
      return openLocalBus();
    case 'redis':
      return openRedisBus(options);
  }
}
