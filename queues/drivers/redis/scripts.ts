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
 * A job's line in `ledger:jobs` is written by the script that adds the job (add-script.ts) and removed after the job has gone, so a
 * crash can leave a line too many, never one too few. SWEEP removes those.
 */
export interface LedgerKeys {
  /** `{orama}:`, before the lane in the names of BullMQ's keys. */
  prefix: string;
  /** `{orama}:ledger:` */
  ledger: string;
}

/** What all scripts begin with. */
export const COMMON = `
local prefix, ledger = KEYS[1], KEYS[2]
local call = redis.call
local lanes = { 'calls', 'invocations' }

local function keyOf(lane, name) return prefix .. lane .. ':' .. name end

-- The lines of a namespace, and what they count: each command costs more than what it does.
local function strike(namespace, members)
  local key, bytes = ledger .. 'jobs:' .. namespace, 0
  for from = 1, #members, 1000 do
    local lines, ids, seen = {}, {}, {}
    for i = from, math.min(from + 999, #members) do lines[#lines + 1] = members[i] end
    for i, score in ipairs(call('ZMSCORE', key, unpack(lines))) do
      local id, size = string.match(lines[i], '^(.*):(%d+)$')
      if score and not seen[id] then
        seen[id] = true
        ids[#ids + 1] = id
        bytes = bytes + size
      end
    end
    if #ids > 0 then
      call('ZREM', key, unpack(lines))
      call('ZREM', ledger .. 'scheduled', unpack(ids))
    end
  end
  if bytes > 0 then call('DECRBY', ledger .. 'bytes', bytes) end
  if call('EXISTS', key) == 0 then call('SREM', ledger .. 'namespaces', namespace) end
end
`;

/**
 * Strikes jobs that have left the queue, and moves the clock on to their turns.
 * ARGV: clock of each lane (-1 = unchanged), then namespace, "<id>:<size>" for each job.
 */
export const ENDED = `${COMMON}
local gone = {}
for i = #lanes + 1, #ARGV, 2 do
  local members = gone[ARGV[i]] or {}
  gone[ARGV[i]] = members
  members[#members + 1] = ARGV[i + 1]
end
for namespace, members in pairs(gone) do strike(namespace, members) end
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
local members, gone = call('ZRANGEBYLEX', key, from, '+', 'LIMIT', 0, ARGV[3]), {}
for _, member in ipairs(members) do
  local id, live = string.match(member, '^(.*):%d+$'), 0
  for _, lane in ipairs(lanes) do live = live + call('EXISTS', keyOf(lane, id)) end
  if live == 0 then gone[#gone + 1] = member end
end
if #gone > 0 then strike(ARGV[1], gone) end
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
