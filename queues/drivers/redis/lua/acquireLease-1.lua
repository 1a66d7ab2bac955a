--[[
  Takes a lease when there are fewer than the limit. By Redis' clock, which all share.

    KEYS[1] sorted set: token → end of its lease, Unix milliseconds

    ARGV[1] token
    ARGV[2] limit
    ARGV[3] how long a lease lasts, milliseconds

  Returns 1 when it was taken, else 0.
]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
