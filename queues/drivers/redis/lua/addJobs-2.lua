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
--- @include "includes/limits"
--- @include "includes/virtualTime"
--- @bullmq addPrioritizedJob
--- @bullmq addDelayedJob
--- @include "includes/fetchJobs"

local maxWaiting, maxBytes = tonumber(ARGV[2]), tonumber(ARGV[3])
local jobCost, maxPriority = tonumber(ARGV[4]), tonumber(ARGV[5])
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local isLate = now > tonumber(ARGV[1])

-- The jobs of each group; and of each namespace, each id once.
local groups, byNamespace = {}, {}
-- The ids of jobs that are new: neither in a queue nor accepted in an earlier group.
local fresh = {}
-- The use of the queue and of the namespaces, with what has been accepted.
local waiting, bytes, uses = 0, 0, {}
-- By namespace, of what has been accepted: the changed use, and arguments of ZADD for the entries.
local changed, newEntries = {}, {}

-- BullMQ ignores a job whose id exists in its own queue, but does not see the queue of the other
-- kind.
local function isKnown(job)
  return call('EXISTS', keyOf(kinds[1], job.id), keyOf(kinds[2], job.id)) > 0
end

local function readJobs()
  local seen = {}
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
    if not seen[id] then
      seen[id] = true
      local list = byNamespace[namespace] or {}
      byNamespace[namespace] = list
      list[#list + 1] = job
    end
  end
end

-- Finds the new jobs of each namespace in one command: the overhead of a command exceeds its work.
local function findFresh()
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
end

local function readUse()
  for _, kind in ipairs(kinds) do
    waiting = waiting + call('LLEN', keyOf(kind, 'wait')) + call('ZCARD', keyOf(kind, 'prioritized'))
      + call('ZCARD', keyOf(kind, 'delayed'))
  end
  local names = { '*' }
  for namespace in pairs(byNamespace) do names[#names + 1] = namespace end
  local held = call('HMGET', usage .. 'use', unpack(names))
  bytes = tonumber(held[1] or 0)
  for i = 2, #names do
    uses[names[i]] = parseUse(held[i])
    countDelayed(names[i], uses[names[i]], now)
  end
end

-- Marks the new jobs of a group. Returns their number, their size, and both for each namespace.
local function claimFresh(group)
  local count, size, more = 0, 0, {}
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
  return count, size, more
end

-- Returns the code of a group with these new jobs.
local function codeOf(count, size, more, overdraft, limits)
  if count == 0 then return 0 end
  if isLate then return 1 end
  if waiting + count > raised(maxWaiting, overdraft) or bytes + size > raised(maxBytes, overdraft) then return 2 end
  local code = 0
  for namespace, of in pairs(more) do
    code = exceededQuota(namespace, limits[namespace], uses[namespace], of, overdraft) or code
  end
  return code
end

-- Counts the new jobs of a group that is accepted. Returns the code of the group.
local function decide(group, limits)
  local count, size, more = claimFresh(group)
  local code = codeOf(count, size, more, group.overdraft, limits)
  group.isAccepted = code == 0
  if not group.isAccepted then
    for _, job in ipairs(group) do
      -- A later group may have the same job.
      if job.fresh then job.fresh, fresh[job.id] = nil, true end
    end
    return code
  end
  waiting, bytes = waiting + count, bytes + size
  for namespace, of in pairs(more) do
    local use = uses[namespace]
    use.jobs, use.bytes, use.delayed = use.jobs + of.jobs + of.delayed, use.bytes + of.bytes, use.delayed + of.delayed
    changed[namespace] = use
  end
  for _, job in ipairs(group) do
    if job.fresh then
      local list = newEntries[job.namespace] or {}
      newEntries[job.namespace] = list
      list[#list + 1] = 0
      list[#list + 1] = job.member
    end
  end
  return code
end

local function decideAll()
  local limits, codes = parseLimits(ARGV[9]), {}
  for i, group in ipairs(groups) do codes[i] = decide(group, limits) end
  return codes
end

local function writeEntries()
  for namespace, list in pairs(newEntries) do
    for from = 1, #list, 2000 do
      call('ZADD', usage .. 'jobs:' .. namespace, unpack(list, from, math.min(from + 1999, #list)))
    end
  end
end

local keys = {}
-- Returns the names of a queue's keys that BullMQ's scripts need.
local function keysOf(kind)
  if keys[kind] then return keys[kind] end
  local of = {}
  for _, name in ipairs({ 'marker', 'meta', 'id', 'prioritized', 'delayed', 'completed', 'active', 'events', 'pc' }) do
    of[name] = keyOf(kind, name)
  end
  keys[kind] = of
  return of
end

local function add(job)
  local opts = job.opts == '' and {} or cjson.decode(job.opts)
  opts.priority = nextPriority(job.kind, job.namespace, jobCost, maxPriority)
  local k = keysOf(job.kind)
  local args = { cmsgpack.pack({ keyOf(job.kind, ''), job.id, job.name, job.acceptedAt }), job.data, cmsgpack.pack(opts) }
  if opts.delay then
    addDelayedJob({ k.marker, k.meta, k.id, k.delayed, k.completed, k.events }, args)
    call('ZADD', usage .. 'scheduled', job.acceptedAt + opts.delay, job.id)
    call('ZADD', usage .. 'delayed:' .. job.namespace, job.acceptedAt + opts.delay, job.id)
  else
    addPrioritizedJob({ k.marker, k.meta, k.id, k.prioritized, k.delayed, k.completed, k.active, k.events, k.pc }, args)
  end
end

local function addAccepted()
  for _, group in ipairs(groups) do
    for _, job in ipairs(group) do
      if group.isAccepted and (job.fresh or not isKnown(job)) then add(job) end
    end
  end
end

local function writeUse()
  if not next(changed) then return end
  local fields = { '*', bytes }
  for namespace, use in pairs(changed) do
    fields[#fields + 1] = namespace
    fields[#fields + 1] = formatUse(use)
  end
  call('HSET', usage .. 'use', unpack(fields))
end

local function fetch()
  local tokens = {}
  for token in string.gmatch(ARGV[8], '%S+') do tokens[#tokens + 1] = token end
  -- When it is late, the caller may have given up, and nobody would run what is fetched here.
  if #tokens == 0 or isLate then return {} end
  return fetchJobs(keyOf('sync', ''), ARGV[6], tonumber(ARGV[7]), tokens)
end

readJobs()
findFresh()
readUse()
local codes = decideAll()
writeEntries()
addAccepted()
writeUse()
writeTimes()
return { now, codes, fetch() }
