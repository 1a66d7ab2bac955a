--[[
  Runs one step of the search for entries whose job no longer exists.
    KEYS[1] prefix of BullMQ's keys: '{orama}:'
    KEYS[2] prefix of the usage index's keys: '{orama}:usage:'
    ARGV[1] namespace
    ARGV[2] the last entry of the previous step, or '' for the first step
    ARGV[3] how many entries to inspect
  Returns the last inspected entry, or '' at the end, and the entries without a job.
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
