--[[
  Strikes jobs that have left the queue, and moves the clock on to their virtual times.

    KEYS[1] what BullMQ's keys begin with: '{orama}:'
    KEYS[2] what the keys of the usage index begin with: '{orama}:usage:'

    ARGV[1] the virtual time up to which sync jobs are done; -1 when it is not known to have moved
    ARGV[2] the same of async jobs
    ARGV[3…] for each job: its namespace, then its line in `jobs:<ns>`
]]
--- @include "includes/usage"
local gone = {}
for i = #kinds + 1, #ARGV, 2 do
  local members = gone[ARGV[i]] or {}
  gone[ARGV[i]] = members
  members[#members + 1] = ARGV[i + 1]
end
for namespace, members in pairs(gone) do strike(namespace, members) end
for i, kind in ipairs(kinds) do
  local time = tonumber(ARGV[i])
  if time > tonumber(call('HGET', usage .. 'clock', kind) or 0) then
    call('HSET', usage .. 'clock', kind, time)
    call('ZREMRANGEBYSCORE', usage .. 'times:' .. kind, '-inf', time)
  end
end
