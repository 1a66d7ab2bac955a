--[[
  Acquires a lease unless `limit` leases are held. Uses the Redis clock, which all processes share.
    KEYS[1] sorted set: token → end of its lease, Unix milliseconds
    ARGV[1] token
    ARGV[2] limit
    ARGV[3] lease duration, milliseconds
  Returns 1 when the lease was acquired, otherwise 0.
]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
