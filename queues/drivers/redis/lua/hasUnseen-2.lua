--[[
  Tells whether a namespace that the caller has not seen has a ready job of a kind.
    KEYS[1] prefix of BullMQ's keys: '{orama}:'
    KEYS[2] prefix of the usage index's keys: '{orama}:usage:'
    ARGV[1] kind
    ARGV[2] now, Unix milliseconds
    ARGV[3…] the namespaces that the caller has seen
  Returns 1 also when it is not known within LIMIT namespaces and jobs: other jobs may then make way
  in vain, which is better than to never make way.
]]
--- @include "includes/usage"
local LIMIT = 500
-- The score of a delayed job is its due time times this, plus a counter.
local DELAY_UNIT = 0x1000
local seen, waits, left = {}, {}, LIMIT
for i = 3, #ARGV do seen[ARGV[i]] = true end
-- Jobs whose worker has died; all others are prioritized.
for _, id in ipairs(call('LRANGE', keyOf(ARGV[1], 'wait'), 0, LIMIT - 1)) do waits[id] = true end

local function isReady(id)
  if waits[id] or call('ZSCORE', keyOf(ARGV[1], 'prioritized'), id) then return true end
  local due = call('ZSCORE', keyOf(ARGV[1], 'delayed'), id)
  return due and tonumber(due) < (tonumber(ARGV[2]) + 1) * DELAY_UNIT
end

for _, namespace in ipairs(call('SMEMBERS', usage .. 'namespaces')) do
  if not seen[namespace] then
    if left == 0 then return 1 end
    left = left - 1
    local use = parseUse(call('HGET', usage .. 'use', namespace))
    countDelayed(namespace, use, ARGV[2])
    local members = {}
    if use.jobs > use.delayed then
      members = call('ZRANGEBYLEX', usage .. 'jobs:' .. namespace, '-', '+', 'LIMIT', 0, left)
    end
    for _, member in ipairs(members) do
      if isReady(string.match(member, '^([^:]+)')) then return 1 end
    end
    left = left - #members
  end
end
return left == 0 and 1 or 0
