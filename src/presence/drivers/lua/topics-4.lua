--[[
  Returns the live topics of a namespace.
    KEYS    see includes/topic.lua; of these, only KEYS[1] matters
    ARGV[1] ''
]]
--- @include "includes/topic"
redis.call('ZREMRANGEBYSCORE', topics, '-inf', now)
return redis.call('ZRANGE', topics, 0, -1)
