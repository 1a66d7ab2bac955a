--[[
  Checks the limits and adds jobs in one step, so that a group never overfills the queue, and so
  that nothing is added after its caller was told that the add timed out. BullMQ's scripts add the
  jobs. The script then fetches sync jobs for the calling process, one per token: those with the
  highest priority, no matter which process added them.
    KEYS[1] prefix of BullMQ's keys: '{orama}:'
    KEYS[2] prefix of the usage index's keys: '{orama}:usage:'
    ARGV[1] deadline by the Redis clock, Unix milliseconds; after it nothing is added
    ARGV[2] limit of waiting jobs in the queue
    ARGV[3] limit of input bytes in the queue
    ARGV[4] virtual time that one job costs its namespace
    ARGV[5] highest priority number
    ARGV[6] time of the calling process, Unix milliseconds, for fetching
    ARGV[7] lock duration of fetched jobs, milliseconds
    ARGV[8] lock tokens, separated by spaces; '' to fetch nothing
    ARGV[9] per namespace with limits: its name and its limits of waiting jobs, bytes and delayed
            jobs, all separated by spaces
    ARGV[10…] per job, grouped: head, data, options as JSON or ''. Head: "<group> <entry in
              jobs:<ns>> <namespace> <kind> <name> <accepted at> <delay> <overdraft>", one argument
              because the client turns each argument into a string of its own. The overdraft of the
              first job is that of the group: it raises the limits, see queue-quota.ts.
  Returns the Redis time in Unix milliseconds; per group 0 = accepted, 1 = too late, 2 = full, or
  "<quota> <namespace> <use>"; and the result of BullMQ's moveToActive for each fetched job.
]]
--- @include "includes/usage"
--- @bullmq addPrioritizedJob
--- @bullmq addDelayedJob
--- @include "includes/takeJobs"

local deadline, maxWaiting, maxBytes = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local jobCost, maxPriority = tonumber(ARGV[4]), tonumber(ARGV[5])
local time = call('TIME')
local now, codes = time[1] * 1000 + math.floor(time[2] / 1000), {}
local late = now > deadline

local groups, byNamespace, seen = {}, {}, {}
for at = 10, #ARGV, 3 do
  local number, member, namespace, kind, name, acceptedAt, delay, overdraft =
    string.match(ARGV[at], '^(%d+) (%S+) (%S+) (%S+) (%S+) (%S+) (%d+) (%d+)$')
  local id, size = string.match(member, '^([^:]+):(%d+)')
  local job = {
    id = id, size = tonumber(size), member = member, namespace = namespace, kind = kind, name = name,
    acceptedAt = acceptedAt, data = ARGV[at + 1], opts = ARGV[at + 2], isDelayed = delay ~= '0',
  }
  number = tonumber(number)
  local group = groups[number] or { overdraft = tonumber(overdraft) }
  groups[number] = group
  group[#group + 1] = job
  if not seen[job.id] then
    seen[job.id] = true
    local list = byNamespace[job.namespace] or {}
    byNamespace[job.namespace] = list
    list[#list + 1] = job
  end
end

-- BullMQ ignores a job whose id exists in its own queue, but does not see the queue of the other
-- kind.
local function isKnown(job)
  return call('EXISTS', keyOf(kinds[1], job.id), keyOf(kinds[2], job.id)) > 0
end

-- The ids of jobs that are new: neither in a queue nor accepted in an earlier group.
local fresh = {}
-- Find the new jobs of each namespace in one command: the overhead of a command exceeds its work.
for namespace, list in pairs(byNamespace) do
  for from = 1, #list, 1000 do
    local members = {}
    for i = from, math.min(from + 999, #list) do members[#members + 1] = list[i].member end
    for i, score in ipairs(call('ZMSCORE', usage .. 'jobs:' .. namespace, unpack(members))) do
      local job = list[from + i - 1]
      -- The entry of a job that is in a queue differs if the job was accepted at another time.
      if not score and not isKnown(job) then fresh[job.id] = true end
    end
  end
end

local waiting, clock, keys = 0, {}, {}
local keyNames = { 'marker', 'meta', 'id', 'prioritized', 'delayed', 'completed', 'active', 'events', 'pc' }
for i, time in ipairs(call('HMGET', usage .. 'clock', unpack(kinds))) do
  local kind = kinds[i]
  clock[kind] = tonumber(time or 0)
  keys[kind] = {}
  for _, name in ipairs(keyNames) do keys[kind][name] = keyOf(kind, name) end
  waiting = waiting + call('LLEN', keyOf(kind, 'wait')) + call('ZCARD', keys[kind].prioritized)
    + call('ZCARD', keys[kind].delayed)
end

local namespaceLimits, uses, names = {}, {}, { '*' }
for namespace, jobs, bytes, delayed in string.gmatch(ARGV[9], '(%S+) (%S+) (%S+) (%S+)') do
  namespaceLimits[namespace] = { jobs = tonumber(jobs), bytes = tonumber(bytes), delayed = tonumber(delayed) }
end
for namespace in pairs(byNamespace) do names[#names + 1] = namespace end
local held = call('HMGET', usage .. 'use', unpack(names))
local bytes = tonumber(held[1] or 0)
for i = 2, #names do
  uses[names[i]] = parseUse(held[i])
  countDelayed(names[i], uses[names[i]], now)
end
local lastTime, changed = {}, {}

local function raised(limit, overdraft) return limit + math.ceil(limit / 4) * overdraft end

local activeJobs = nil
-- Returns the quota that adding these jobs would exceed, in the format described above, or nil.
local function exceededQuota(namespace, more, overdraft)
  local limits, use = namespaceLimits[namespace], uses[namespace]
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

local function priorityOf(job)
  local ahead = lastTime[job.kind] or {}
  lastTime[job.kind] = ahead
  local last = ahead[job.namespace]
    or tonumber(call('ZSCORE', usage .. 'times:' .. job.kind, job.namespace) or 0)
  local time = math.max(clock[job.kind], last)
  ahead[job.namespace] = time + jobCost
  return math.min(math.floor(time) + 1, maxPriority)
end

local function add(job)
  local opts = job.opts == '' and {} or cjson.decode(job.opts)
  opts.priority = priorityOf(job)
  local k = keys[job.kind]
  local args = { cmsgpack.pack({ keyOf(job.kind, ''), job.id, job.name, job.acceptedAt }), job.data, cmsgpack.pack(opts) }
  if opts.delay then
    addDelayedJob({ k.marker, k.meta, k.id, k.delayed, k.completed, k.events }, args)
    call('ZADD', usage .. 'scheduled', job.acceptedAt + opts.delay, job.id)
    call('ZADD', usage .. 'delayed:' .. job.namespace, job.acceptedAt + opts.delay, job.id)
  else
    addPrioritizedJob({ k.marker, k.meta, k.id, k.prioritized, k.delayed, k.completed, k.active, k.events, k.pc }, args)
  end
end

local newMembers = {}
for _, group in ipairs(groups) do
  local count, size, code, more = 0, 0, 0, {}
  for _, job in ipairs(group) do
    if fresh[job.id] then
      job.fresh, fresh[job.id] = true, nil
      count, size = count + 1, size + job.size
      local of = more[job.namespace] or { jobs = 0, bytes = 0, delayed = 0 }
      more[job.namespace] = of
      of.bytes = of.bytes + job.size
      if job.isDelayed then of.delayed = of.delayed + 1 else of.jobs = of.jobs + 1 end
    end
  end
  if count > 0 then
    if late then code = 1
    elseif waiting + count > raised(maxWaiting, group.overdraft) or bytes + size > raised(maxBytes, group.overdraft) then
      code = 2
    else
      for namespace, of in pairs(more) do code = exceededQuota(namespace, of, group.overdraft) or code end
    end
  end
  if count > 0 and code == 0 then
    waiting, bytes = waiting + count, bytes + size
    for namespace, of in pairs(more) do
      local use = uses[namespace]
      use.jobs, use.bytes, use.delayed = use.jobs + of.jobs + of.delayed, use.bytes + of.bytes, use.delayed + of.delayed
      changed[namespace] = use
    end
  end
  group.accepted = code == 0
  codes[#codes + 1] = code
  for _, job in ipairs(group) do
    if job.fresh and not group.accepted then
      -- A later group may have the same job.
      job.fresh, fresh[job.id] = nil, true
    elseif job.fresh then
      local list = newMembers[job.namespace] or {}
      newMembers[job.namespace] = list
      list[#list + 1] = 0
      list[#list + 1] = job.member
    end
  end
end
for namespace, list in pairs(newMembers) do
  for from = 1, #list, 2000 do
    call('ZADD', usage .. 'jobs:' .. namespace, unpack(list, from, math.min(from + 1999, #list)))
  end
end
for _, group in ipairs(groups) do
  for _, job in ipairs(group) do
    if group.accepted and (job.fresh or not isKnown(job)) then add(job) end
  end
end
if next(changed) then
  local fields = { '*', bytes }
  for namespace, use in pairs(changed) do
    fields[#fields + 1] = namespace
    fields[#fields + 1] = formatUse(use)
  end
  call('HSET', usage .. 'use', unpack(fields))
end
for kind, ahead in pairs(lastTime) do
  for namespace, time in pairs(ahead) do
    call('ZADD', usage .. 'times:' .. kind, time, namespace)
    call('SADD', usage .. 'namespaces', namespace)
  end
end

local tokens = {}
for token in string.gmatch(ARGV[8], '%S+') do tokens[#tokens + 1] = token end
local taken = {}
-- When it is late, the caller may have given up, and nobody would run what is fetched here.
if #tokens > 0 and not late then
  taken = takeJobs(keyOf('sync', ''), ARGV[6], tonumber(ARGV[7]), tokens)
end
return { now, codes, taken }
