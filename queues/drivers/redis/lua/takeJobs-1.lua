--[[
  Takes several jobs of a queue in one command.

    KEYS[1] what the queue's keys begin with, as BullMQ's own scripts get it: '{orama}:<kind>:'

    ARGV[1] now, Unix milliseconds
    ARGV[2] how long the locks last, milliseconds
    ARGV[3…] a lock token for each job

  Returns what BullMQ's moveToActive returns for each; the last may say that there was none.
]]
--- @include "includes/takeJobs"
local tokens = {}
for i = 3, #ARGV do tokens[#tokens + 1] = ARGV[i] end
return takeJobs(KEYS[1], ARGV[1], tonumber(ARGV[2]), tokens)
