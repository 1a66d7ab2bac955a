import { type RedisServerProcess, startRedis } from '../../test/helpers/redis-server.js';

/** What scenarios are given. */
export interface Setting {
  /** How durable the Redis is that they start. */
  fsync: 'always' | 'everysec';
  /** For those that look at what many of them do. */
  invocations: number;
}

export type Scenario = (setting: Setting) => Promise<void>;

export function redisOf({ fsync }: Pick<Setting, 'fsync'>): Promise<RedisServerProcess> {
  return startRedis(['--appendfsync', fsync]);
}
