--[[
  Runs BullMQ's moveToFinished for several jobs of one queue. All keys and arguments except the job
  id and the lock token are shared.
    KEYS[1…14] those of BullMQ's moveToFinished, for any of the jobs; KEYS[12] is the job's own key
    ARGV[1…9]  those of BullMQ's moveToFinished, for any of the jobs: ARGV[1] is the job id, ARGV[7]
               the prefix of the queue's keys, ARGV[8] the options (msgpack) with the lock token
    ARGV[10…]  per job: its id, then its lock token
  Returns two values per job: 1 and the result of moveToFinished, or 0 and the error of this job.
]]
--- @bullmq moveToFinished
local options = cmsgpack.unpack(ARGV[8])
local answer = {}
for at = 10, #ARGV, 2 do
  KEYS[12] = ARGV[7] .. ARGV[at]
  options.token = ARGV[at + 1]
  local ok, result = pcall(moveToFinished, KEYS, {
    ARGV[at], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], cmsgpack.pack(options), ARGV[9]
  })
  answer[#answer + 1] = ok and 1 or 0
  answer[#answer + 1] = ok and result or (type(result) == 'table' and result.err or tostring(result))
end
return answer
