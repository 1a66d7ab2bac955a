--[[
  The usage index counts what BullMQ does not count. Every script that uses it begins with this
  file.
    KEYS[1] prefix of BullMQ's keys, before the kind: '{orama}:'
    KEYS[2] prefix of the usage index's keys: '{orama}:usage:'
  The names of further keys derive from these two. All of them share one hash slot, as a Redis
  Cluster requires:
    <usage>use              hash: namespace → "<live jobs> <input bytes> <upper bound of delayed jobs>";
                            '*' → input bytes of all live jobs
    <usage>namespaces       set of namespaces with live jobs
    <usage>jobs:<ns>        sorted set of "<id>:<size>:…", all with score 0 and thus ordered by id; for
                            the remaining fields see usage-entry.ts
    <usage>delayed:<ns>     sorted set: id → due time of a delayed first attempt; due entries are
                            removed when it is read
    <usage>scheduled        sorted set: id → due time of a job that is delayed without having failed
    <usage>cancelling:<id>  copy of the hash of a job that a process has removed in order to cancel it,
                            until its end is recorded; expires in case that process dies
    <usage>clock            hash: kind → virtual time
    <usage>times:<kind>     sorted set: namespace → its last virtual time, if ahead of the clock
  The script that adds a job also writes its entry in `jobs:<ns>`; the entry is removed after the
  job has left the queue. A crash between the two can leave an entry without a job, but never a job
  without an entry. Removing jobs with BullMQ's own tools has the same effect. sweepUsage finds such
  entries.
]]
local prefix, usage = KEYS[1], KEYS[2]
local call = redis.call
local kinds = { 'sync', 'async' }

local function keyOf(kind, name) return prefix .. kind .. ':' .. name end

-- Decodes the use of a namespace: live jobs, their bytes, and an upper bound of its delayed jobs.
local function parseUse(text)
  local jobs, bytes, delayed = string.match(text or '', '^(%d+) (%d+) (%d+)$')
  return { jobs = tonumber(jobs or 0), bytes = tonumber(bytes or 0), delayed = tonumber(delayed or 0) }
end
local function formatUse(use)
  return string.format('%d %d %d', math.max(0, use.jobs), math.max(0, use.bytes), math.max(0, use.delayed))
end

-- Drops delayed jobs that are due, which count as waiting, and updates the number of delayed jobs.
local function countDelayed(namespace, use, now)
  if use.delayed == 0 then return end
  local key = usage .. 'delayed:' .. namespace
  call('ZREMRANGEBYSCORE', key, '-inf', now)
  use.delayed = call('ZCARD', key)
end

-- Counts the active jobs of a namespace. Scans all active jobs, so it is only for rare cases.
local function runningOf(namespace)
  local running, key = 0, usage .. 'jobs:' .. namespace
  for _, kind in ipairs(kinds) do
    for _, id in ipairs(call('LRANGE', keyOf(kind, 'active'), 0, -1)) do
      running = running + #call('ZRANGEBYLEX', key, '[' .. id .. ':', '(' .. id .. ';', 'LIMIT', 0, 1)
    end
  end
  return running
end

-- Removes entries of a namespace and their use, in few commands: the overhead of a command exceeds
-- its work.
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
