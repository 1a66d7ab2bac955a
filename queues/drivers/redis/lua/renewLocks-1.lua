--[[
  Renews the locks of runs, and removes their jobs from those that the next check for stalled jobs
  may take. A lock that has expired is set again if its job is still active and has not been started
  again: Redis may have been away for longer than a lock lasts.
    KEYS[1] prefix of the queue's keys, as BullMQ's own scripts receive it: '{orama}:<kind>:'
    ARGV[1] lock duration, milliseconds
    ARGV[2…] per run: the id of its job, its lock token, and how often the job had been started when
             the run began
  Returns the ids of the jobs that belong to another run, or to none.
]]
local call, prefix, lockMs = redis.call, KEYS[1], ARGV[1]

local function belongs(id, token, started)
  local holder = call('GET', prefix .. id .. ':lock')
  if holder then return holder == token end
  return call('HGET', prefix .. id, 'ats') == started and call('LPOS', prefix .. 'active', id)
end

local renewed, refused = {}, {}
for at = 2, #ARGV, 3 do
  local id, token = ARGV[at], ARGV[at + 1]
  if belongs(id, token, ARGV[at + 2]) then
    call('SET', prefix .. id .. ':lock', token, 'PX', lockMs)
    renewed[#renewed + 1] = id
  else
    refused[#refused + 1] = id
  end
end
for from = 1, #renewed, 1000 do
  call('SREM', prefix .. 'stalled', unpack(renewed, from, math.min(from + 999, #renewed)))
end
return refused
