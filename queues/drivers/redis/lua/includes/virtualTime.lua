--[[
  Assigns virtual times to added jobs; see fairness.ts. Needs includes/usage.
]]
local clock = {}
for i, time in ipairs(call('HMGET', usage .. 'clock', unpack(kinds))) do clock[kinds[i]] = tonumber(time or 0) end
-- By kind and namespace: the virtual time after its last job.
local lastTimes = {}

-- Returns the priority of the next job of a namespace, which costs it `jobCost` of virtual time.
local function nextPriority(kind, namespace, jobCost, maxPriority)
  local ahead = lastTimes[kind] or {}
  lastTimes[kind] = ahead
  local last = ahead[namespace] or tonumber(call('ZSCORE', usage .. 'times:' .. kind, namespace) or 0)
  local time = math.max(clock[kind], last)
  ahead[namespace] = time + jobCost
  return math.min(math.floor(time) + 1, maxPriority)
end

local function writeTimes()
  for kind, ahead in pairs(lastTimes) do
    for namespace, time in pairs(ahead) do
      call('ZADD', usage .. 'times:' .. kind, time, namespace)
      call('SADD', usage .. 'namespaces', namespace)
    end
  end
end
