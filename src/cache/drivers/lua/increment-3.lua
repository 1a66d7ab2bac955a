--[[
  Adds to a counter.
    KEYS    see includes/size.lua
    ARGV[1] key
    ARGV[2] number to add
    ARGV[3] size of the entry, bytes
    ARGV[4] limit of all entries, bytes
  Returns 1 and the sum, and for a new entry the total size of all entries; or 0 and the total size.
  The sum is text, since Lua numbers have 53 bits.
]]
--- @include "includes/size"
local key, size = ARGV[1], tonumber(ARGV[3])
if call('EXISTS', prefix .. key) == 1 then
  call('INCRBY', prefix .. key, ARGV[2])
  return { 1, call('GET', prefix .. key) }
end
local admitted, total = admit(key, size, tonumber(ARGV[4]))
if not admitted then return { 0, total } end
call('INCRBY', prefix .. key, ARGV[2])
call('ZREM', dues, key)
call('HSET', use, 't', string.format('%d', total), 'k' .. key, size)
return { 1, call('GET', prefix .. key), total }
