--[[
  Subtracts a base from all virtual times of a kind, wherever they are stored, because BullMQ's
  priorities end at 2^21. Runs about once in four million jobs.
    KEYS[1] prefix of BullMQ's keys: '{orama}:'
    KEYS[2] prefix of the usage index's keys: '{orama}:usage:'
    ARGV[1] kind
    ARGV[2] the virtual time to subtract; nothing changes until the clock has reached it
  Depends on BullMQ's score of a prioritized job: its priority times 2^32 plus a counter.
  Returns 1 when the times were rebased, otherwise 0.
]]
--- @include "includes/usage"
local kind, shift = ARGV[1], tonumber(ARGV[2])
if tonumber(call('HGET', usage .. 'clock', kind) or 0) < shift then return 0 end

local function shifted(priority) return math.max(1, priority - shift) end
local function shiftJob(id)
  local old = tonumber(call('HGET', keyOf(kind, id), 'priority') or 0)
  if old > 0 then call('HSET', keyOf(kind, id), 'priority', shifted(old)) end
end

local waiting = call('ZRANGE', keyOf(kind, 'prioritized'), 0, -1, 'WITHSCORES')
for i = 1, #waiting, 2 do
  local score = tonumber(waiting[i + 1])
  local new = shifted(math.floor(score / 4294967296))
  call('ZADD', keyOf(kind, 'prioritized'), 'XX', new * 4294967296 + score % 4294967296, waiting[i])
  call('HSET', keyOf(kind, waiting[i]), 'priority', new)
end
for _, id in ipairs(call('ZRANGE', keyOf(kind, 'delayed'), 0, -1)) do shiftJob(id) end
for _, id in ipairs(call('LRANGE', keyOf(kind, 'active'), 0, -1)) do shiftJob(id) end
for _, id in ipairs(call('LRANGE', keyOf(kind, 'wait'), 0, -1)) do shiftJob(id) end
local times = call('ZRANGE', usage .. 'times:' .. kind, 0, -1, 'WITHSCORES')
for i = 1, #times, 2 do
  call('ZADD', usage .. 'times:' .. kind, 'XX', tonumber(times[i + 1]) - shift, times[i])
end
call('HINCRBY', usage .. 'clock', kind, -shift)
return 1
