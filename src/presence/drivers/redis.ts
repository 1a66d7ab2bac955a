import type { Namespace } from '../../contract/ids.js';
import type { Presence, PresenceMember } from '../../ports/presence.js';
import { connectRedis, unavailable } from '../../redis.js';
import { RedisScript } from '../../redis-script.js';
import { distinctMembers, LEASE_MS } from '../lease.js';

export interface RedisPresenceOptions {
  url: string;
  leaseMs?: number;
}

/**
 * Presence over all processes. A topic is a sorted set of connections by the end of their lease and a hash of what
 * they say of themselves; the namespace has a sorted set of its topics. All times are the server's, so that the clocks
 * of the processes need not agree.
 */
export async function openRedisPresence({
  url,
  leaseMs = LEASE_MS,
}: RedisPresenceOptions): Promise<Presence> {
  const redis = await connectRedis(url, 'REDIS_URL');

  async function run(script: RedisScript, namespace: Namespace, topic: string, ...args: (string | number)[]) {
    // The braces put all keys of a namespace on one node of a cluster; a namespace holds none.
    const base = `orama:presence:{${namespace}}`;
    const keys = [`${base}:topics`, `${base}:leases:${topic}`, `${base}:members:${topic}`];
    try {
      return await script.run(redis, keys, [topic, ...args]);
    } catch (error) {
      throw unavailable('presence list', error);
    }
  }

  return {
    driver: 'redis',

    async touch(namespace, topic, connectionId, member) {
      const shown = member === null ? '' : JSON.stringify(member);
      await run(TOUCH, namespace, topic, connectionId, leaseMs, shown);
    },

    async leave(namespace, topic, connectionId) {
      await run(LEAVE, namespace, topic, connectionId);
    },

    async members(namespace, topic) {
      const entries = (await run(MEMBERS, namespace, topic)) as string[];
      return distinctMembers(entries.map((entry) => JSON.parse(entry) as PresenceMember));
    },

    async topics(namespace) {
      return (await run(TOPICS, namespace, '')) as string[];
    },

    async close() {
      redis.disconnect();
    },
  };
}

/** Every script begins by dropping the topic's connections whose lease is over. */
const PRELUDE = `
local topics, leases, members = KEYS[1], KEYS[2], KEYS[3]
local topic = ARGV[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, id in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', now)) do
  redis.call('ZREM', leases, id)
  redis.call('HDEL', members, id)
end
-- A topic is live as long as the longest of its leases.
local function settle()
  local last = redis.call('ZREVRANGE', leases, 0, 0, 'WITHSCORES')
  if last[2] then redis.call('ZADD', topics, last[2], topic) else redis.call('ZREM', topics, topic) end
end
-- Nobody may ever ask about a topic again: its keys go by themselves, some time after its last lease.
local function keep(key, ms)
  if redis.call('PTTL', key) < ms then redis.call('PEXPIRE', key, ms) end
end
`;

const TOUCH = new RedisScript(`${PRELUDE}
local id, lease, member = ARGV[2], tonumber(ARGV[3]), ARGV[4]
redis.call('ZADD', leases, now + lease, id)
if member == '' then redis.call('HDEL', members, id) else redis.call('HSET', members, id, member) end
settle()
for _, key in ipairs({topics, leases, members}) do keep(key, lease * 2) end
`);

const LEAVE = new RedisScript(`${PRELUDE}
redis.call('ZREM', leases, ARGV[2])
redis.call('HDEL', members, ARGV[2])
settle()
`);

const MEMBERS = new RedisScript(`${PRELUDE}
return redis.call('HVALS', members)
`);

const TOPICS = new RedisScript(`${PRELUDE}
redis.call('ZREMRANGEBYSCORE', topics, '-inf', now)
return redis.call('ZRANGE', topics, 0, -1)
`);
