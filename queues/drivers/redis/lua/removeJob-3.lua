--[[
  Removes a job that is cancelled, unless a worker has it. Keeps a copy, for other processes, until
  the end of the job is recorded. A Redis without free memory refuses the copy; the job is removed
  nevertheless, as that frees memory.
    KEYS[1], KEYS[2] those of BullMQ's removeJob; KEYS[1] is the job's own key
    KEYS[3]   the copy: `cancelling:<id>` of the usage index
    ARGV[1…3] those of BullMQ's removeJob, which also returns 1 for a job that does not exist
    ARGV[4]   lifetime of the copy, milliseconds
  Returns 1 when the job was removed.
]]
--- @bullmq removeJob
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if redis.call('EXISTS', KEYS[1] .. ':lock') == 1 then return 0 end
redis.pcall('COPY', KEYS[1], KEYS[3], 'REPLACE')
redis.call('PEXPIRE', KEYS[3], ARGV[4])
local removed = removeJob(KEYS, ARGV)
if removed ~= 1 then redis.call('UNLINK', KEYS[3]) end
return removed
