import type { Namespace } from '../../contract/ids.js';
import type { OwnedMember, Presence } from '../../ports/presence.js';
import { unavailable } from '../../redis/connection.js';
import { RedisScript } from '../../redis/script.js';
import { connectRedis } from '../../redis/server.js';
import { distinctMembers } from '../lease.js';

export interface RedisPresenceOptions {
  url: string;
  leaseMs: number;
}

/**
 * Opens the presence list of all processes on Redis. A topic has a sorted set of connections by the
 * expiry of their lease and a hash of their member data; a namespace has a sorted set of its
 * topics. All times come from the Redis server, so that the clocks of the processes need not be
 * synchronized.
 */
export async function openRedisPresence({ url, leaseMs }: RedisPresenceOptions): Promise<Presence> {
  const redis = await connectRedis(url, 'REDIS_URL');

  async function run(script: RedisScript, namespace: Namespace, topic: string, ...args: (string | number)[]) {
    // The hash tag places all keys of a namespace on one node of a cluster. A namespace contains no
    // braces.
    const base = `orama:presence:{${namespace}}`;
    const keys = [
      `${base}:topics`,
      `${base}:leases:${topic}`,
      `${base}:members:${topic}`,
      `${base}:owners:${topic}`,
    ];
    try {
      return await script.run(redis, keys, [topic, ...args]);
    } catch (error) {
      throw unavailable('presence list', error);
    }
  }

  return {
    driver: 'redis',
    leaseMs,

    async touch(namespace, topic, connectionId, member) {
      const shown = member === null ? '' : JSON.stringify(member);
      const names = member === null ? [] : [member.member_id, member.owner];
      return (await run(TOUCH, namespace, topic, connectionId, leaseMs, shown, ...names)) === 1;
    },

    async leave(namespace, topic, connectionId) {
      await run(LEAVE, namespace, topic, connectionId);
    },

    async members(namespace, topic) {
      const entries = (await run(MEMBERS, namespace, topic)) as string[];
      return distinctMembers(entries.map((entry) => JSON.parse(entry) as OwnedMember));
    },

    async topics(namespace) {
      return (await run(TOPICS, namespace, '')) as string[];
    },

    async close() {
      redis.disconnect();
    },
  };
}

/** Common to all scripts: removes the topic's connections with an expired lease. */
const PRELUDE = `
local topics, leases, members, owners = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local topic = ARGV[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- 'owners' contains the member of each connection (c:), and the owner and number of
-- connections of each member (m:).
local function held(member)
  local entry = redis.call('HGET', owners, 'm:' .. member)
  if not entry then return nil, 0 end
  local count, owner = string.match(entry, '^(%d+) (.*)$')
  return owner, tonumber(count)
end
local function count(member, owner, by)
  local _, connections = held(member)
  if connections + by > 0 then redis.call('HSET', owners, 'm:' .. member, (connections + by) .. ' ' .. owner)
  else redis.call('HDEL', owners, 'm:' .. member) end
end
local function drop(id)
  local member = redis.call('HGET', owners, 'c:' .. id)
  if member then
    local owner = held(member)
    if owner then count(member, owner, -1) end
    redis.call('HDEL', owners, 'c:' .. id)
  end
  redis.call('ZREM', leases, id)
  redis.call('HDEL', members, id)
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', now)) do
  drop(id)
end
-- A topic is live until its last lease expires.
local function updateTopic()
  local last = redis.call('ZREVRANGE', leases, 0, 0, 'WITHSCORES')
  if last[2] then redis.call('ZADD', topics, last[2], topic) else redis.call('ZREM', topics, topic) end
end
-- The keys of a topic expire some time after its last lease, even if the topic is never used again.
local function keep(key, ms)
  if redis.call('PTTL', key) < ms then redis.call('PEXPIRE', key, ms) end
end
`;

const TOUCH = new RedisScript(`${PRELUDE}
local id, lease, member, name, owner = ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6]
if member ~= '' then
  local holder = held(name)
  if holder and holder ~= owner then return 0 end
end
if redis.call('HGET', members, id) ~= (member ~= '' and member) then
  drop(id)
  if member ~= '' then
    redis.call('HSET', members, id, member)
    redis.call('HSET', owners, 'c:' .. id, name)
    count(name, owner, 1)
  end
end
redis.call('ZADD', leases, now + lease, id)
updateTopic()
for _, key in ipairs({topics, leases, members, owners}) do keep(key, lease * 2) end
return 1
`);

const LEAVE = new RedisScript(`${PRELUDE}
drop(ARGV[2])
updateTopic()
`);

const MEMBERS = new RedisScript(`${PRELUDE}
return redis.call('HVALS', members)
`);

const TOPICS = new RedisScript(`${PRELUDE}
redis.call('ZREMRANGEBYSCORE', topics, '-inf', now)
return redis.call('ZRANGE', topics, 0, -1)
`);
