--[[
  Counts the leases that are held, by the Redis clock.
    KEYS[1] sorted set: token → end of its lease, Unix milliseconds
  Returns the count.
]]
local time = redis.call('TIME')
return redis.call('ZCOUNT', KEYS[1], '(' .. time[1] * 1000 + math.floor(time[2] / 1000), '+inf')
