import { type RedisServerProcess, startRedis } from '../../test/helpers/redis-server.js';

/** What scenarios are given: how durable the Redis is that they start. */
export interface Setting {
  fsync: 'always' | 'everysec';
}

export type Scenario = (setting: Setting) => Promise<void>;

export function redisOf({ fsync }: Setting): Promise<RedisServerProcess> {
  return startRedis(['--appendfsync', fsync]);
}
