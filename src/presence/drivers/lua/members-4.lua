--[[
  Returns the member of each connection of a topic, as JSON.
    KEYS, ARGV[1] see includes/topic.lua
]]
--- @include "includes/topic"
return redis.call('HVALS', members)
