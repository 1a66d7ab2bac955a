import type { Presence } from '../ports/presence.js';
import type { LocalPresenceOptions } from './drivers/local.js';
import type { RedisPresenceOptions } from './drivers/redis.js';

export type PresenceOptions =
  | ({ driver: 'local' } & LocalPresenceOptions)
  | ({ driver: 'redis' } & RedisPresenceOptions);

/** Opens the presence list. Throws `bad_config` if its server is unreachable. */
export async function openPresence(options: PresenceOptions): Promise<Presence> {
  switch (options.driver) {
    case 'local':
      return (await import('./drivers/local.js')).openLocalPresence(options);
    case 'redis':
      return (await import('./drivers/redis.js')).openRedisPresence(options);
  }
}
