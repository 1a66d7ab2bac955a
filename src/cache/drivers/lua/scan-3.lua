--[[
  Lists a page of the keys of a namespace that match a pattern. The usage hash contains every entry,
  so other keys of the server are not read. It also contains entries that Redis has expired or
  evicted, and these are left out.
    KEYS    see includes/size.lua
    ARGV[1] cursor: 0 for the first page
    ARGV[2] glob pattern of the key
    ARGV[3] number of entries to read
  Returns the cursor of the next page, 0 after the last, and the keys. A key may be on several pages.
]]
local use, prefix = KEYS[1], KEYS[3]
local next, fields = unpack(redis.call('HSCAN', use, ARGV[1], 'MATCH', 'k' .. ARGV[2], 'COUNT', ARGV[3]))
local keys = {}
for i = 1, #fields, 2 do
  local key = string.sub(fields[i], 2)
  if redis.call('EXISTS', prefix .. key) == 1 then keys[#keys + 1] = key end
end
return { next, keys }
