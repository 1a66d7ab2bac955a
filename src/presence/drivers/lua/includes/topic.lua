--[[
  Every script of presence begins with this file. It removes the topic's connections with an expired
  lease. All times are those of the Redis server.
    KEYS[1] sorted set of the namespace: topic → end of its last lease, Unix milliseconds
    KEYS[2] sorted set of the topic: connection → end of its lease, Unix milliseconds
    KEYS[3] hash of the topic: connection → its member as JSON; hidden connections have none
    KEYS[4] hash of the topic: 'c:<connection>' → id of its member; 'm:<id>' → "<connections> <owner>"
    ARGV[1] topic
]]
local topics, leases, members, owners = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local topic = ARGV[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

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
