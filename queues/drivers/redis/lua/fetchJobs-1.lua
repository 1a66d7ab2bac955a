--[[
  Fetches several jobs of a queue in one command.
    KEYS[1] prefix of the queue's keys, as BullMQ's own scripts receive it: '{orama}:<kind>:'
    ARGV[1] now, Unix milliseconds
    ARGV[2] lock duration, milliseconds
    ARGV[3…] one lock token per job
  Returns the result of BullMQ's moveToActive for each token used; the last one may report an empty
  queue.
]]
--- @include "includes/fetchJobs"
local tokens = {}
for i = 3, #ARGV do tokens[#tokens + 1] = ARGV[i] end
return fetchJobs(KEYS[1], ARGV[1], tonumber(ARGV[2]), tokens)
