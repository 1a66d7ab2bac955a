--[[
  Removes a connection from a topic.
    KEYS, ARGV[1] see includes/topic.lua
    ARGV[2] connection
]]
--- @include "includes/topic"
drop(ARGV[2])
updateTopic()
