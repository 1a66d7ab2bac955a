--[[
  One step of looking for lines whose job is gone.

    KEYS[1] what BullMQ's keys begin with: '{orama}:'
    KEYS[2] what the keys of the usage index begin with: '{orama}:usage:'

    ARGV[1] namespace
    ARGV[2] the last member seen, or '' to begin
    ARGV[3] how many lines to look at

  Returns the last member seen, or '' at the end, and the lines whose job is gone.
]]
--- @include "includes/usage"
local key, from = usage .. 'jobs:' .. ARGV[1], '-'
if ARGV[2] ~= '' then from = '(' .. ARGV[2] end
local members, gone = call('ZRANGEBYLEX', key, from, '+', 'LIMIT', 0, ARGV[3]), {}
for _, member in ipairs(members) do
  local id, live = string.match(member, '^([^:]+)'), 0
  for _, kind in ipairs(kinds) do live = live + call('EXISTS', keyOf(kind, id)) end
  if live == 0 then gone[#gone + 1] = member end
end
if #members < tonumber(ARGV[3]) then return { '', gone } end
return { members[#members], gone }
