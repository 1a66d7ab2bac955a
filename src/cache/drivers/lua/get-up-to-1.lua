--[[
  Reads a value up to a size. One script, since a value may be replaced by a larger one between two
  commands.
    KEYS[1] key of the value
    ARGV[1] bytes
  Returns the value, its size if it has more bytes, or nil on a miss.
]]
local size = redis.call('STRLEN', KEYS[1])
if size > tonumber(ARGV[1]) then return size end
return redis.call('GET', KEYS[1])
