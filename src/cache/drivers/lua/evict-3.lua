--[[
  Deletes up to 200 random entries until the given number of bytes is free.
    KEYS    see includes/size.lua
    ARGV[1] bytes
  Returns the number of bytes freed, and the total size of all entries.
]]
--- @include "includes/size"
local total, target, victims = tonumber(call('HGET', use, 't') or 0), tonumber(ARGV[1]), {}
local sizes = call('HRANDFIELD', use, 200, 'WITHVALUES')
for i = 1, #sizes, 2 do
  if string.sub(sizes[i], 1, 1) == 'k' and target > 0 then
    victims[#victims + 1] = string.sub(sizes[i], 2)
    target = target - tonumber(sizes[i + 1])
    call('DEL', prefix .. victims[#victims])
  end
end
if #victims == 0 then return { 0, total } end
local left = forget(victims, total)
return { total - left, left }
