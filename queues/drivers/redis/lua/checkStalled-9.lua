--[[
  Runs BullMQ's moveStalledJobsToWait, which moves the jobs without a lock that the check before has
  marked, and marks all active jobs. After a time without a check, as when Redis was away, marks are
  dropped first: locks have expired although their holders run, and each holder has the time until the
  next check to renew its locks.
    KEYS[1…9] those of BullMQ's moveStalledJobsToWait; KEYS[1] is the set of marked jobs
    ARGV[1…4] those of BullMQ's moveStalledJobsToWait; ARGV[2] is the prefix of the queue's keys
    ARGV[5]   lock duration, milliseconds
  `<prefix>stalled-regular` exists while checks are regular. A lock is renewed when half of it is left
  at the latest, so that an outage in which locks expire is longer than half a lock.
  Returns the ids of the moved jobs.
]]
--- @bullmq moveStalledJobsToWait
local regular, lockMs = ARGV[2] .. 'stalled-regular', tonumber(ARGV[5])
local left, half = redis.call('PTTL', regular), math.ceil(lockMs / 2)
if left < 0 then
  redis.call('DEL', KEYS[1])
  -- A whole lock: if all workers are always late, the next check takes stalled jobs nevertheless.
  redis.call('SET', regular, '1', 'PX', lockMs)
elseif left < half then
  redis.call('PEXPIRE', regular, half)
end
return moveStalledJobsToWait(KEYS, ARGV)
