/**
 * What BullMQ does not count: input bytes, jobs by namespace, and whose turn it is. Keys, all in one hash slot:
 *
 *   ledger:bytes            input bytes of all live jobs
 *   ledger:namespaces       set of namespaces with live jobs
 *   ledger:jobs:<ns>        sorted set of "<id>:<size>", all of score 0 and so in the order of their ids
 *   ledger:scheduled        due times of jobs that are delayed without having failed
 *   ledger:clock            hash: band → turn
 *   ledger:turns:<band>     sorted set: namespace → its last turn; only those ahead of the clock
 *
 * A job's line in `ledger:jobs` is written in the MULTI that adds the job and removed after the job has gone, so a
 * crash can leave a line too many, never one too few. SWEEP removes those.
 */
export interface LedgerKeys {
  /** `{orama}:invocations:` */
  queue: string;
  /** `{orama}:ledger:` */
  ledger: string;
}

const COMMON = `
local queue, ledger = KEYS[1], KEYS[2]
local call = redis.call

local function strike(namespace, member)
  local id, size = string.match(member, '^(.*):(%d+)$')
  if call('ZREM', ledger .. 'jobs:' .. namespace, member) == 0 then return end
  call('ZREM', ledger .. 'scheduled', id)
  call('DECRBY', ledger .. 'bytes', size)
  if call('EXISTS', ledger .. 'jobs:' .. namespace) == 0 then call('SREM', ledger .. 'namespaces', namespace) end
end
`;

/**
 * Last command of the MULTI that adds jobs. Refused groups are taken out again before anybody can see them: those
 * that would overfill the queue, and all of them when Redis came to it only after the caller had been told that it failed.
 * ARGV: deadline, max waiting, max bytes, turn cost, band size,
 *   jobs as JSON: [["<id>:<size>", namespace, size, band, priority, due or 0], ...], lengths of the groups as JSON
 * Returns: server time, clock of band 0, of band 1, then per group 0 = accepted, 1 = too late, 2 = full,
 * then "<band>:<namespace>" and its last turn for each that got one.
 */
export const ADMIT = `${COMMON}
local deadline, maxWaiting, maxBytes = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local turnCost, bandSize = tonumber(ARGV[4]), tonumber(ARGV[5])
local jobs, groups = cjson.decode(ARGV[6]), cjson.decode(ARGV[7])
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local clock = call('HMGET', ledger .. 'clock', '0', '1')
clock = { tonumber(clock[1] or 0), tonumber(clock[2] or 0) }

-- Which jobs are new: all of a namespace at once, for each call costs more than what it does.
local byNamespace, seen, freshTotal = {}, {}, 0
for _, job in ipairs(jobs) do
  if not seen[job[1]] then
    seen[job[1]] = true
    local list = byNamespace[job[2]] or {}
    byNamespace[job[2]] = list
    list[#list + 1] = job
  end
end
for namespace, list in pairs(byNamespace) do
  local key = ledger .. 'jobs:' .. namespace
  for from = 1, #list, 1000 do
    local members, lines = {}, {}
    for i = from, math.min(from + 999, #list) do members[#members + 1] = list[i][1] end
    for i, score in ipairs(call('ZMSCORE', key, unpack(members))) do
      if not score then
        list[from + i - 1].fresh = true
        lines[#lines + 1] = 0
        lines[#lines + 1] = members[i]
      end
    end
    if #lines > 0 then freshTotal = freshTotal + call('ZADD', key, unpack(lines)) end
  end
end

local waiting = call('LLEN', queue .. 'wait') + call('ZCARD', queue .. 'prioritized')
  + call('ZCARD', queue .. 'delayed') - freshTotal
local bytes = tonumber(call('GET', ledger .. 'bytes') or 0)
local bytesBefore, lastTurn = bytes, {}

local function idOf(job) return string.match(job[1], '^(.*):%d+$') end

local function giveTurn(job)
  local band, namespace = job[4], job[2]
  local key = band .. ':' .. namespace
  local ahead = lastTurn[key]
  if not ahead then
    ahead = tonumber(call('ZSCORE', ledger .. 'turns:' .. band, namespace) or 0)
  end
  local turn = math.max(clock[band + 1], ahead)
  lastTurn[key] = turn + turnCost
  local priority = band * bandSize + math.min(math.floor(turn), bandSize - 2) + 1
  if priority == job[5] then return end
  local id = idOf(job)
  call('HSET', queue .. id, 'priority', priority)
  local score = call('ZSCORE', queue .. 'prioritized', id)
  if score then
    call('ZADD', queue .. 'prioritized', 'XX', priority * 4294967296 + tonumber(score) % 4294967296, id)
  end
end

local function takeBack(job)
  local id = idOf(job)
  call('ZREM', ledger .. 'jobs:' .. job[2], job[1])
  call('ZREM', queue .. 'prioritized', id)
  call('ZREM', queue .. 'delayed', id)
  call('DEL', queue .. id)
end

local answer = { now, clock[1], clock[2] }
local first = 1
for _, length in ipairs(groups) do
  local count, size, code = 0, 0, 0
  for i = first, first + length - 1 do
    if jobs[i].fresh then count, size = count + 1, size + jobs[i][3] end
  end
  if count > 0 then
    if now > deadline then code = 1
    elseif waiting + count > maxWaiting or bytes + size > maxBytes then code = 2
    else waiting, bytes = waiting + count, bytes + size end
  end
  for i = first, first + length - 1 do
    local job = jobs[i]
    if job.fresh and code == 0 then
      giveTurn(job)
      if job[6] > 0 then call('ZADD', ledger .. 'scheduled', job[6], idOf(job)) end
    elseif job.fresh then
      takeBack(job)
    end
  end
  first = first + length
  answer[#answer + 1] = code
end
if bytes ~= bytesBefore then call('INCRBY', ledger .. 'bytes', bytes - bytesBefore) end
for key, turn in pairs(lastTurn) do
  local namespace = string.sub(key, 3)
  call('ZADD', ledger .. 'turns:' .. string.sub(key, 1, 1), turn, namespace)
  call('SADD', ledger .. 'namespaces', namespace)
  answer[#answer + 1] = key
  answer[#answer + 1] = tostring(turn)
end
return answer
`;

/**
 * Strikes jobs that have left the queue, and moves the clock on to their turns.
 * ARGV: clock of band 0, of band 1 (-1 = unchanged), then namespace, "<id>:<size>" for each job.
 */
export const ENDED = `${COMMON}
for i = 3, #ARGV, 2 do strike(ARGV[i], ARGV[i + 1]) end
for band = 0, 1 do
  local turn = tonumber(ARGV[band + 1])
  if turn > tonumber(call('HGET', ledger .. 'clock', band) or 0) then
    call('HSET', ledger .. 'clock', band, turn)
    call('ZREMRANGEBYSCORE', ledger .. 'turns:' .. band, '-inf', turn)
  end
end
`;

/**
 * One step of looking for lines whose job is gone. ARGV: namespace, last member seen or '', how many.
 * Returns the last member seen, or '' at the end.
 */
export const SWEEP = `${COMMON}
local key, from = ledger .. 'jobs:' .. ARGV[1], '-'
if ARGV[2] ~= '' then from = '(' .. ARGV[2] end
local members = call('ZRANGEBYLEX', key, from, '+', 'LIMIT', 0, ARGV[3])
for _, member in ipairs(members) do
  if call('EXISTS', queue .. string.match(member, '^(.*):%d+$')) == 0 then strike(ARGV[1], member) end
end
if #members < tonumber(ARGV[3]) then return '' end
return members[#members]
`;

/**
 * Counts turns from the clock anew, in everything that holds one. Runs once in about two million jobs.
 * ARGV: band, band size, the clock it was called for.
 */
export const REBASE = `${COMMON}
local band, bandSize, shift = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
if tonumber(call('HGET', ledger .. 'clock', band) or 0) < shift then return 0 end
local low, high = band * bandSize, (band + 1) * bandSize

local function shifted(priority)
  if priority <= low or priority > high then return nil end
  return math.max(low + 1, priority - shift)
end
local function shiftJob(id)
  local old = tonumber(call('HGET', queue .. id, 'priority') or 0)
  local new = shifted(old)
  if new then call('HSET', queue .. id, 'priority', new) end
end

local waiting = call('ZRANGE', queue .. 'prioritized', 0, -1, 'WITHSCORES')
for i = 1, #waiting, 2 do
  local score = tonumber(waiting[i + 1])
  local new = shifted(math.floor(score / 4294967296))
  if new then
    call('ZADD', queue .. 'prioritized', 'XX', new * 4294967296 + score % 4294967296, waiting[i])
    call('HSET', queue .. waiting[i], 'priority', new)
  end
end
for _, id in ipairs(call('ZRANGE', queue .. 'delayed', 0, -1)) do shiftJob(id) end
for _, id in ipairs(call('LRANGE', queue .. 'active', 0, -1)) do shiftJob(id) end
for _, id in ipairs(call('LRANGE', queue .. 'wait', 0, -1)) do shiftJob(id) end
local turns = call('ZRANGE', ledger .. 'turns:' .. band, 0, -1, 'WITHSCORES')
for i = 1, #turns, 2 do
  call('ZADD', ledger .. 'turns:' .. band, 'XX', tonumber(turns[i + 1]) - shift, turns[i])
end
call('HINCRBY', ledger .. 'clock', band, -shift)
return 1
`;
