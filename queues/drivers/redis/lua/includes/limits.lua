--[[
  Limits of the queue and of namespaces; see queue-quota.ts. Needs includes/usage.
]]

local function raised(limit, overdraft) return limit + math.ceil(limit / 4) * overdraft end

-- Decodes "<namespace> <jobs> <bytes> <delayed jobs> …".
local function parseLimits(text)
  local limits = {}
  for namespace, jobs, bytes, delayed in string.gmatch(text, '(%S+) (%S+) (%S+) (%S+)') do
    limits[namespace] = { jobs = tonumber(jobs), bytes = tonumber(bytes), delayed = tonumber(delayed) }
  end
  return limits
end

local activeJobs = nil
-- Returns the quota that adding `more` to the use of a namespace would exceed, as "<quota>
-- <namespace> <use>", or nil.
local function exceededQuota(namespace, limits, use, more, overdraft)
  if not limits then return nil end
  local function exceeded(quota, used) return quota .. ' ' .. namespace .. ' ' .. string.format('%d', used) end
  if more.delayed > 0 and use.delayed + more.delayed > limits.delayed then return exceeded('delayed_jobs', use.delayed) end
  if use.bytes + more.bytes > raised(limits.bytes, overdraft) then return exceeded('waiting_mb', use.bytes) end
  local ready = use.jobs - use.delayed
  local maxJobs = raised(limits.jobs, overdraft)
  if more.jobs == 0 or ready + more.jobs <= maxJobs then return nil end
  -- Some jobs of the namespace may be running. Count them only if that can change the result.
  activeJobs = activeJobs or call('LLEN', keyOf(kinds[1], 'active')) + call('LLEN', keyOf(kinds[2], 'active'))
  if ready - activeJobs + more.jobs <= maxJobs then
    use.running = use.running or runningOf(namespace)
    ready = ready - use.running
  end
  if ready + more.jobs <= maxJobs then return nil end
  return exceeded('waiting_jobs', ready)
end
