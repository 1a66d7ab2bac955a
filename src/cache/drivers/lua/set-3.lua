--[[
  Stores an entry.
    KEYS    see includes/size.lua
    ARGV[1] key
    ARGV[2] value
    ARGV[3] TTL in milliseconds, or 0 for none
    ARGV[4] size of the entry, bytes
    ARGV[5] limit of all entries, bytes
  Returns 1 (stored) or 0 (refused), and the total size of all entries.
]]
--- @include "includes/size"
local key, ttl, size = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4])
local admitted, total = admit(key, size, tonumber(ARGV[5]))
if not admitted then return { 0, total } end
if ttl > 0 then
  call('SET', prefix .. key, ARGV[2], 'PX', ARGV[3])
  local time = call('TIME')
  call('ZADD', dues, time[1] * 1000 + math.floor(time[2] / 1000) + ttl, key)
else
  call('SET', prefix .. key, ARGV[2])
  call('ZREM', dues, key)
end
call('HSET', use, 't', string.format('%d', total), 'k' .. key, size)
return { 1, total }
