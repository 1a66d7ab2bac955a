--[[
  Returns the id of each member of a topic once.
    KEYS, ARGV[1] see includes/topic.lua
]]
--- @include "includes/topic"
local ids = {}
for _, field in ipairs(redis.call('HKEYS', owners)) do
  if string.sub(field, 1, 2) == 'm:' then ids[#ids + 1] = string.sub(field, 3) end
end
return ids
