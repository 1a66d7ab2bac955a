--[[
  Returns 1 if a connection of the member is on the topic, otherwise 0.
    KEYS, ARGV[1] see includes/topic.lua
    ARGV[2] id of the member
]]
--- @include "includes/topic"
return redis.call('HEXISTS', owners, 'm:' .. ARGV[2])
