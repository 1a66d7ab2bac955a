--[[
  Removes a job, unless a worker has it.
    KEYS and ARGV are those of BullMQ's removeJob, which also returns 1 for a job that does not exist;
    KEYS[1] is the job's own key
  Returns 1 when the job was removed.
]]
--- @bullmq removeJob
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
return removeJob(KEYS, ARGV)
