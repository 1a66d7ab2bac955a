--[[
  Runs BullMQ's moveToFinished once for each of several jobs of a queue, with the same keys and
  arguments but for the job's id and its lock's token.

    KEYS[1…14] those of BullMQ's moveToFinished, for any of the jobs; KEYS[12] is the job's own
    ARGV[1…9]  those of BullMQ's moveToFinished, for any of the jobs: ARGV[1] is a job's id, ARGV[7]
               what the queue's keys begin with, ARGV[8] options (msgpack) with the lock's token
    ARGV[10…]  for each job: its id, then its lock's token

  Returns two values for each job: 1 and what moveToFinished returned, or 0 and what went wrong with
  this one.
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
