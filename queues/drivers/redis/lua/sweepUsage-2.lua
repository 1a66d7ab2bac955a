--[[
  Runs one step of the search for entries whose job no longer exists, or has been finished by
  another program. Our own jobs are removed when they end, so one among BullMQ's failed or completed
  jobs was finished by another program.
    KEYS[1] prefix of BullMQ's keys: '{orama}:'
    KEYS[2] prefix of the usage index's keys: '{orama}:usage:'
    ARGV[1] namespace
    ARGV[2] the last entry of the previous step, or '' for the first step
    ARGV[3] how many entries to inspect
  A job that is being cancelled is left to the process that cancels it.
  Returns the last inspected entry, or '' at the end, and the entries whose job is gone or finished.
]]
--- @include "includes/usage"
local function isLive(kind, id)
  if call('EXISTS', keyOf(kind, id)) == 0 then return false end
  return not (call('ZSCORE', keyOf(kind, 'failed'), id) or call('ZSCORE', keyOf(kind, 'completed'), id))
end

local key, from = usage .. 'jobs:' .. ARGV[1], '-'
if ARGV[2] ~= '' then from = '(' .. ARGV[2] end
local members, gone = call('ZRANGEBYLEX', key, from, '+', 'LIMIT', 0, ARGV[3]), {}
for _, member in ipairs(members) do
  local id = string.match(member, '^([^:]+)')
  local isKnown = isLive('sync', id) or isLive('async', id) or call('EXISTS', usage .. 'cancelling:' .. id) == 1
  if not isKnown then gone[#gone + 1] = member end
end
if #members < tonumber(ARGV[3]) then return { '', gone } end
return { members[#members], gone }
