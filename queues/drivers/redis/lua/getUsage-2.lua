--[[
  Reads the use of one namespace.
    KEYS[1] prefix of BullMQ's keys: '{orama}:'
    KEYS[2] prefix of the usage index's keys: '{orama}:usage:'
    ARGV[1] namespace
    ARGV[2] now, Unix milliseconds
  Returns the numbers of waiting, running and delayed jobs, their input bytes, and when the
  oldest waiting job was accepted, Unix milliseconds. This is 0 when none of the first 500 jobs
  waits: running and delayed jobs may be before it. The jobs are in the order of their ids, which
  is that of their acceptance except for ids that clients have chosen.
]]
--- @include "includes/usage"
local use = parseUse(call('HGET', usage .. 'use', ARGV[1]))
countDelayed(ARGV[1], use, ARGV[2])
local running = runningOf(ARGV[1])
local oldest, taken = 0, {}
for _, kind in ipairs(kinds) do
  for _, id in ipairs(call('LRANGE', keyOf(kind, 'active'), 0, -1)) do taken[id] = true end
end
for _, member in ipairs(call('ZRANGEBYLEX', usage .. 'jobs:' .. ARGV[1], '-', '+', 'LIMIT', 0, 500)) do
  local id = string.match(member, '^([^:]+)')
  if not taken[id] and not call('ZSCORE', usage .. 'delayed:' .. ARGV[1], id) then
    local at = tonumber(string.match(member, '^[^:]*:[^:]*:[^:]*:[^:]*:[^:]*:[^:]*:(%d+)')) or 0
    if at > 0 and (oldest == 0 or at < oldest) then oldest = at end
  end
end
return { math.max(0, use.jobs - use.delayed - running), running, use.delayed, use.bytes, oldest }
