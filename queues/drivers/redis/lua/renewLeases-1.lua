--[[
  Renews leases. An expired lease is acquired again, even beyond the limit: its holder is still
  running.
    KEYS[1] sorted set: token → end of its lease, Unix milliseconds
    ARGV[1] lease duration, milliseconds
    ARGV[2…] tokens
]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
