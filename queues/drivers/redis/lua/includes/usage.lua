--[[
  The usage index: what BullMQ does not count. All scripts on it begin with this.

    KEYS[1] what BullMQ's keys begin with, before the kind: '{orama}:'
    KEYS[2] what the keys of the usage index begin with: '{orama}:usage:'

  Further keys are made of these two. All of them lie in one hash slot, so that a Redis Cluster
  allows it:

    <usage>use              hash: namespace → "<live jobs> <input bytes> <delayed, at most>";
                            '*' → input bytes of all live jobs
    <usage>namespaces       set of namespaces with live jobs
    <usage>jobs:<ns>        sorted set of "<id>:<size>:…", all of score 0 and so in the order of their
                            ids; for the rest see removed-jobs.ts
    <usage>delayed:<ns>     sorted set: id → due time of a first attempt that is delayed; those that
                            are due are taken out when it is read
    <usage>scheduled        due times of jobs that are delayed without having failed
    <usage>clock            hash: kind → virtual time
    <usage>times:<kind>     sorted set: namespace → its last virtual time; only those ahead of the clock

  A job's line in `jobs:<ns>` is written by the script that adds the job and removed after the job
  has gone, so a crash can leave a line too many, never one too few; so does whoever removes jobs
  with a tool of BullMQ's. sweepUsage finds those.
]]
local prefix, usage = KEYS[1], KEYS[2]
local call = redis.call
local kinds = { 'sync', 'async' }

local function keyOf(kind, name) return prefix .. kind .. ':' .. name end

-- What a namespace has: its live jobs, their bytes, and at most how many of them are delayed.
local function parseUse(text)
  local jobs, bytes, delayed = string.match(text or '', '^(%d+) (%d+) (%d+)$')
  return { jobs = tonumber(jobs or 0), bytes = tonumber(bytes or 0), delayed = tonumber(delayed or 0) }
end
local function formatUse(use)
  return string.format('%d %d %d', math.max(0, use.jobs), math.max(0, use.bytes), math.max(0, use.delayed))
end

-- Those whose time has come wait like any other.
local function countDelayed(namespace, use, now)
  if use.delayed == 0 then return end
  local key = usage .. 'delayed:' .. namespace
  call('ZREMRANGEBYSCORE', key, '-inf', now)
  use.delayed = call('ZCARD', key)
end

-- How many of the jobs that workers have are of the namespace. Looks at each, so it is for what is rare.
local function runningOf(namespace)
  local running, key = 0, usage .. 'jobs:' .. namespace
  for _, kind in ipairs(kinds) do
    for _, id in ipairs(call('LRANGE', keyOf(kind, 'active'), 0, -1)) do
      running = running + #call('ZRANGEBYLEX', key, '[' .. id .. ':', '(' .. id .. ';', 'LIMIT', 0, 1)
    end
  end
  return running
end

-- The lines of a namespace, and what they count: each command costs more than what it does.
local function strike(namespace, members)
  local key, bytes, count = usage .. 'jobs:' .. namespace, 0, 0
  local held = call('HMGET', usage .. 'use', '*', namespace)
  local use = parseUse(held[2])
  for from = 1, #members, 1000 do
    local lines, ids, seen = {}, {}, {}
    for i = from, math.min(from + 999, #members) do lines[#lines + 1] = members[i] end
    for i, score in ipairs(call('ZMSCORE', key, unpack(lines))) do
      local id, size = string.match(lines[i], '^([^:]+):(%d+)')
      if score and not seen[id] then
        seen[id] = true
        ids[#ids + 1] = id
        bytes = bytes + size
      end
    end
    if #ids > 0 then
      call('ZREM', key, unpack(lines))
      call('ZREM', usage .. 'scheduled', unpack(ids))
      count = count + #ids
      if use.delayed > 0 then call('ZREM', usage .. 'delayed:' .. namespace, unpack(ids)) end
    end
  end
  use.jobs, use.bytes = use.jobs - count, use.bytes - bytes
  local total = math.max(0, tonumber(held[1] or 0) - bytes)
  if call('EXISTS', key) == 1 then
    call('HSET', usage .. 'use', '*', total, namespace, formatUse(use))
  else
    call('HSET', usage .. 'use', '*', total)
    call('HDEL', usage .. 'use', namespace)
    if use.delayed > 0 then call('DEL', usage .. 'delayed:' .. namespace) end
    call('SREM', usage .. 'namespaces', namespace)
  end
end
