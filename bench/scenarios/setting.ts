import { type RedisServerProcess, startRedis } from '../../test/helpers/redis-server.js';

/** The settings of scenarios. */
export interface Setting {
  /** The fsync policy of the Redis that they start. */
  fsync: 'always' | 'everysec';
  /** The number of invocations, for scenarios that measure the effects of many. */
  invocations: number;
}

export type Scenario = (setting: Setting) => Promise<void>;

export function redisOf({ fsync }: Pick<Setting, 'fsync'>): Promise<RedisServerProcess> {
  return startRedis(['--appendfsync', fsync]);
}
