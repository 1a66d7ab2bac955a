/**
 * What BullMQ does not count: input bytes, jobs by namespace, and whose time it is. Keys, all in
 * one hash slot:
 *
 *   usage:use              hash: namespace → "<live jobs> <input bytes> <delayed, at most>"; '*' → input bytes of all live jobs
 *   usage:namespaces       set of namespaces with live jobs
 *   usage:jobs:<ns>        sorted set of "<id>:<size>:…", all of score 0 and so in the order of their ids; for the rest see
 *                          removed-jobs.ts
 *   usage:delayed:<ns>     sorted set: id → due time of a first attempt that is delayed; those that are due are taken out when it is read
 *   usage:scheduled        due times of jobs that are delayed without having failed
 *   usage:clock            hash: kind → time
 *   usage:times:<kind>     sorted set: namespace → its last time; only those ahead of the clock
 *
 * A job's line in `usage:jobs` is written by the script that adds the job (add-script.ts) and
 * removed after the job has gone, so a crash can leave a line too many, never one too few; so does
 * whoever removes jobs with a tool of BullMQ's. SWEEP finds those.
 */
export interface UsageKeys {
  /** `{orama}:`, before the kind in the names of BullMQ's keys. */
  prefix: string;
  /** `{orama}:usage:` */
  usage: string;
}

/** What all scripts begin with. */
export const COMMON = `
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
`;

/**
 * Strikes jobs that have left the queue, and moves the clock on to their times.
 * ARGV: clock of each kind (-1 = unchanged), then namespace and line for each job.
 */
export const ENDED = `${COMMON}
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
`;

/**
 * One step of looking for lines whose job is gone. ARGV: namespace, last member seen or '', how
 * many. Returns the last member seen, or '' at the end, and those lines.
 */
export const SWEEP = `${COMMON}
local key, from = usage .. 'jobs:' .. ARGV[1], '-'
if ARGV[2] ~= '' then from = '(' .. ARGV[2] end
local members, gone = call('ZRANGEBYLEX', key, from, '+', 'LIMIT', 0, ARGV[3]), {}
for _, member in ipairs(members) do
  local id, live = string.match(member, '^([^:]+)'), 0
  for _, kind in ipairs(kinds) do live = live + call('EXISTS', keyOf(kind, id)) end
  if live == 0 then gone[#gone + 1] = member end
end
if #members < tonumber(ARGV[3]) then return { '', gone } end
return { members[#members], gone }
`;

/**
 * ARGV: namespace, now. Returns its jobs that wait, those that workers have, those that are
 * delayed, input bytes, and the oldest of those that wait, '' when it is not among the first few: a
 * worker's long job and a delayed one may be older.
 */
export const USE = `${COMMON}
local use = parseUse(call('HGET', usage .. 'use', ARGV[1]))
countDelayed(ARGV[1], use, ARGV[2])
local running = runningOf(ARGV[1])
local oldest, taken = '', {}
for _, kind in ipairs(kinds) do
  for _, id in ipairs(call('LRANGE', keyOf(kind, 'active'), 0, -1)) do taken[id] = true end
end
for _, member in ipairs(call('ZRANGEBYLEX', usage .. 'jobs:' .. ARGV[1], '-', '+', 'LIMIT', 0, 500)) do
  local id = string.match(member, '^([^:]+)')
  if not taken[id] and not call('ZSCORE', usage .. 'delayed:' .. ARGV[1], id) then
    oldest = id
    break
  end
end
return { math.max(0, use.jobs - use.delayed - running), running, use.delayed, use.bytes, oldest }
`;

/**
 * Counts a kind's times from the clock anew, in everything that holds one. Runs once in about four
 * million jobs. ARGV: kind, the clock it was called for.
 */
export const REBASE = `${COMMON}
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
`;
