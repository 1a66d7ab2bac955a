import type { Presence } from '../ports/presence.js';
import { type LocalPresenceOptions, openLocalPresence } from './drivers/local.js';
import { openRedisPresence, type RedisPresenceOptions } from './drivers/redis.js';

export type PresenceOptions =
  | ({ driver: 'local' } & LocalPresenceOptions)
  | ({ driver: 'redis' } & RedisPresenceOptions);

/** Opens the presence list. Throws `bad_config` if its server is unreachable. */
export function openPresence(options: PresenceOptions): Promise<Presence> {
  switch (options.driver) {
    case 'local':
      return openLocalPresence(options);
    case 'redis':
      return openRedisPresence(options);
  }
}
