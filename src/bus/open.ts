import type { Bus } from '../ports/bus.js';
import { openLocalBus } from './drivers/local.js';

export type BusOptions = { driver: 'local' };

/** Opens the channel between the processes; throws `bad_config` when its server cannot be reached. */
export function openBus(options: BusOptions): Promise<Bus> {
  switch (options.driver) {
    case 'local':
      return openLocalBus();
  }
}
