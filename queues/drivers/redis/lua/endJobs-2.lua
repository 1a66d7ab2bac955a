--[[
  Removes jobs that have left the queue from the usage index, and advances the clock to their
  virtual times.
    KEYS[1] prefix of BullMQ's keys: '{orama}:'
    KEYS[2] prefix of the usage index's keys: '{orama}:usage:'
    ARGV[1] the virtual time up to which sync jobs are finished; -1 when unknown
    ARGV[2] the same for async jobs
    ARGV[3] a time that is ahead of the clock by this much or more is ignored: it was assigned before the
            virtual times were rebased
    ARGV[4…] per job: its namespace, then its entry in `jobs:<ns>`
]]
--- @include "includes/usage"
local gone = {}
for i = 4, #ARGV, 2 do
  local members = gone[ARGV[i]] or {}
  gone[ARGV[i]] = members
  members[#members + 1] = ARGV[i + 1]
end
for namespace, members in pairs(gone) do strike(namespace, members) end
for i, kind in ipairs(kinds) do
  local time, clock = tonumber(ARGV[i]), tonumber(call('HGET', usage .. 'clock', kind) or 0)
  if time > clock and time < clock + tonumber(ARGV[3]) then
    call('HSET', usage .. 'clock', kind, time)
    call('ZREMRANGEBYSCORE', usage .. 'times:' .. kind, '-inf', time)
  end
end
