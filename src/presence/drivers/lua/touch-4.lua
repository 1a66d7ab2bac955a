--[[
  Adds a connection to a topic, or renews its lease.
    KEYS, ARGV[1] see includes/topic.lua
    ARGV[2] connection
    ARGV[3] lease duration, milliseconds
    ARGV[4] member as JSON, or '' for a hidden connection, which has no ARGV[5] and ARGV[6]
    ARGV[5] id of the member
    ARGV[6] owner of the member
  Returns 1, or 0 when the id of the member belongs to another owner.
]]
--- @include "includes/topic"
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
