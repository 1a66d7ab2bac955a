/**
 * What BullMQ does not count: input bytes, jobs by namespace, and whose turn it is. Keys, all in one hash slot:
 *
 *   ledger:bytes            input bytes of all live jobs
 *   ledger:namespaces       set of namespaces with live jobs
 *   ledger:jobs:<ns>        sorted set of "<id>:<size>", all of score 0 and so in the order of their ids
 *   ledger:scheduled        due times of jobs that are delayed without having failed
 *   ledger:clock            hash: lane → turn
 *   ledger:turns:<lane>     sorted set: namespace → its last turn; only those ahead of the clock
 *
 * A job's line in `ledger:jobs` is written in the MULTI that adds the job and removed after the job has gone, so a
 * crash can leave a line too many, never one too few. SWEEP removes those.
 */
export interface LedgerKeys {
  /** `{orama}:`, before the lane in the names of BullMQ's keys. */
  prefix: string;
  /** `{orama}:ledger:` */
  ledger: string;
}

const COMMON = `
local prefix, ledger = KEYS[1], KEYS[2]
local call = redis.call
local lanes = { 'calls', 'invocations' }

local function keyOf(lane, name) return prefix .. lane .. ':' .. name end

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
 * ARGV: deadline, max waiting, max bytes, turn cost, max priority,
 *   jobs as JSON: [["<id>:<size>", namespace, size, lane, priority, due or 0], ...], lengths of the groups as JSON
 * Returns: server time, clock of each lane, then per group 0 = accepted, 1 = too late, 2 = full,
 * then "<lane>:<namespace>" and its last turn for each that got one.
 */
export const ADMIT = `${COMMON}
local deadline, maxWaiting, maxBytes = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local turnCost, maxPriority = tonumber(ARGV[4]), tonumber(ARGV[5])
local jobs, groups = cjson.decode(ARGV[6]), cjson.decode(ARGV[7])
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local clock, answer = {}, { now }
for i, turn in ipairs(call('HMGET', ledger .. 'clock', unpack(lanes))) do
  clock[lanes[i]] = tonumber(turn or 0)
  answer[#answer + 1] = clock[lanes[i]]
end

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

local waiting = -freshTotal
for _, lane in ipairs(lanes) do
  waiting = waiting + call('LLEN', keyOf(lane, 'wait')) + call('ZCARD', keyOf(lane, 'prioritized'))
    + call('ZCARD', keyOf(lane, 'delayed'))
end
local bytes = tonumber(call('GET', ledger .. 'bytes') or 0)
local bytesBefore, lastTurn = bytes, {}

local function idOf(job) return string.match(job[1], '^(.*):%d+$') end

local function giveTurn(job)
  local lane, namespace = job[4], job[2]
  local key = lane .. ':' .. namespace
  local ahead = lastTurn[key]
  if not ahead then
    ahead = tonumber(call('ZSCORE', ledger .. 'turns:' .. lane, namespace) or 0)
  end
  local turn = math.max(clock[lane], ahead)
  lastTurn[key] = turn + turnCost
  local priority = math.min(math.floor(turn) + 1, maxPriority)
  if priority == job[5] then return end
  local id = idOf(job)
  call('HSET', keyOf(lane, id), 'priority', priority)
  local score = call('ZSCORE', keyOf(lane, 'prioritized'), id)
  if score then
    call('ZADD', keyOf(lane, 'prioritized'), 'XX', priority * 4294967296 + tonumber(score) % 4294967296, id)
  end
end

local function takeOut(job)
  local lane, id = job[4], idOf(job)
  call('ZREM', keyOf(lane, 'prioritized'), id)
  call('ZREM', keyOf(lane, 'delayed'), id)
  call('DEL', keyOf(lane, id))
end

-- BullMQ leaves a job alone whose id it knows, but knows nothing of the other lane.
local function takeOutTwin(job)
  for _, lane in ipairs(lanes) do
    if lane ~= job[4] and call('EXISTS', keyOf(lane, idOf(job))) == 1 then return takeOut(job) end
  end
end

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
      call('ZREM', ledger .. 'jobs:' .. job[2], job[1])
      takeOut(job)
    else
      takeOutTwin(job)
    end
  end
  first = first + length
  answer[#answer + 1] = code
end
if bytes ~= bytesBefore then call('INCRBY', ledger .. 'bytes', bytes - bytesBefore) end
for key, turn in pairs(lastTurn) do
  local lane, namespace = string.match(key, '^(%a+):(.*)$')
  call('ZADD', ledger .. 'turns:' .. lane, turn, namespace)
  call('SADD', ledger .. 'namespaces', namespace)
  answer[#answer + 1] = key
  answer[#answer + 1] = tostring(turn)
end
return answer
`;

/**
 * Strikes jobs that have left the queue, and moves the clock on to their turns.
 * ARGV: clock of each lane (-1 = unchanged), then namespace, "<id>:<size>" for each job.
 */
export const ENDED = `${COMMON}
for i = #lanes + 1, #ARGV, 2 do strike(ARGV[i], ARGV[i + 1]) end
for i, lane in ipairs(lanes) do
  local turn = tonumber(ARGV[i])
  if turn > tonumber(call('HGET', ledger .. 'clock', lane) or 0) then
    call('HSET', ledger .. 'clock', lane, turn)
    call('ZREMRANGEBYSCORE', ledger .. 'turns:' .. lane, '-inf', turn)
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
  local id, live = string.match(member, '^(.*):%d+$'), 0
  for _, lane in ipairs(lanes) do live = live + call('EXISTS', keyOf(lane, id)) end
  if live == 0 then strike(ARGV[1], member) end
end
if #members < tonumber(ARGV[3]) then return '' end
return members[#members]
`;

/**
 * Counts a lane's turns from the clock anew, in everything that holds one. Runs once in about four million jobs.
 * ARGV: lane, the clock it was called for.
 */
export const REBASE = `${COMMON}
local lane, shift = ARGV[1], tonumber(ARGV[2])
if tonumber(call('HGET', ledger .. 'clock', lane) or 0) < shift then return 0 end

local function shifted(priority) return math.max(1, priority - shift) end
local function shiftJob(id)
  local old = tonumber(call('HGET', keyOf(lane, id), 'priority') or 0)
  if old > 0 then call('HSET', keyOf(lane, id), 'priority', shifted(old)) end
end

local waiting = call('ZRANGE', keyOf(lane, 'prioritized'), 0, -1, 'WITHSCORES')
for i = 1, #waiting, 2 do
  local score = tonumber(waiting[i + 1])
  local new = shifted(math.floor(score / 4294967296))
  call('ZADD', keyOf(lane, 'prioritized'), 'XX', new * 4294967296 + score % 4294967296, waiting[i])
  call('HSET', keyOf(lane, waiting[i]), 'priority', new)
end
for _, id in ipairs(call('ZRANGE', keyOf(lane, 'delayed'), 0, -1)) do shiftJob(id) end
for _, id in ipairs(call('LRANGE', keyOf(lane, 'active'), 0, -1)) do shiftJob(id) end
for _, id in ipairs(call('LRANGE', keyOf(lane, 'wait'), 0, -1)) do shiftJob(id) end
local turns = call('ZRANGE', ledger .. 'turns:' .. lane, 0, -1, 'WITHSCORES')
for i = 1, #turns, 2 do
  call('ZADD', ledger .. 'turns:' .. lane, 'XX', tonumber(turns[i + 1]) - shift, turns[i])
end
call('HINCRBY', ledger .. 'clock', lane, -shift)
return 1
`;
