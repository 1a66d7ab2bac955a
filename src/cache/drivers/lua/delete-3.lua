--[[
  Deletes entries.
    KEYS    see includes/size.lua
    ARGV[1…] keys
  Returns the number of keys that existed, and the total size of all entries.
]]
--- @include "includes/size"
local removed = 0
for _, key in ipairs(ARGV) do removed = removed + call('DEL', prefix .. key) end
return { removed, forget(ARGV, tonumber(call('HGET', use, 't') or 0)) }
