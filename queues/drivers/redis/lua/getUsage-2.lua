--[[
  What a namespace has on the queue.

    KEYS[1] what BullMQ's keys begin with: '{orama}:'
    KEYS[2] what the keys of the usage index begin with: '{orama}:usage:'

    ARGV[1] namespace
    ARGV[2] now, Unix milliseconds

  Returns its jobs that wait, those that workers have, those that are delayed, their input bytes,
  and the oldest of those that wait; '' when it is not among the first few, as a worker's long job
  and a delayed one may be older.
]]
--- @include "includes/usage"
local use = parseUse(call('HGET', usage .. 'use', ARGV[1]))
countDelayed(ARGV[1], use, ARGV[2])
local running = runningOf(ARGV[1])
local oldest, taken = '', {}
for _, kind in ipairs(kinds) do
  for _, id in ipairs(call('LRANGE', keyOf(kind, 'active'), 0, -1)) do taken[id] = true end
end
for _, member in ipairs(call('ZRANGEBYLEX', usage .. 'jobs:' .. ARGV[1], '-', '+', 'LIMIT', 0, 500)) do
  local id = string.match(member, '^([^:]+)')
  if not taken[id] and not call('ZSCORE', usage .. 'delayed:' .. ARGV[1], id) then
    oldest = id
    break
  end
end
return { math.max(0, use.jobs - use.delayed - running), running, use.delayed, use.bytes, oldest }
