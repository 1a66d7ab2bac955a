--[[
  Takes a job for each token, until there is none. Then nobody need look for one, and the marker goes
  that would make others look.

    queuePrefix what the keys of the queue begin with
    now         the caller's time, Unix milliseconds
    lockMs      how long the locks last
    tokens      the locks' tokens

  Returns what BullMQ's moveToActive returns for each; the last may say that there was none.
]]
--- @bullmq moveToActive
local TAKE_KEYS = {
  'wait', 'active', 'prioritized', 'events', 'stalled', 'limiter', 'delayed', 'paused', 'meta', 'pc', 'marker'
}
local function takeJobs(queuePrefix, now, lockMs, tokens)
  local keys, answers = {}, {}
  for i, name in ipairs(TAKE_KEYS) do keys[i] = queuePrefix .. name end
  for i, token in ipairs(tokens) do
    local options = cmsgpack.pack({ token = token, lockDuration = lockMs })
    answers[i] = moveToActive(keys, { queuePrefix, now, options })
    if answers[i][1] == 0 then
      redis.call('ZREM', queuePrefix .. 'marker', '0')
      break
    end
  end
  return answers
end
