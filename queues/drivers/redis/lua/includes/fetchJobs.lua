--[[
  Fetches one job per token until the queue is empty, and then removes the marker, so that no other
  process looks for jobs in vain.
    queuePrefix prefix of the queue's keys
    now         time of the calling process, Unix milliseconds
    lockMs      lock duration, milliseconds
    tokens      lock tokens
  Returns the result of BullMQ's moveToActive for each token used; the last one may report an empty
  queue.
]]
--- @bullmq moveToActive
local FETCH_KEYS = {
  'wait', 'active', 'prioritized', 'events', 'stalled', 'limiter', 'delayed', 'paused', 'meta', 'pc', 'marker'
}
local function fetchJobs(queuePrefix, now, lockMs, tokens)
  local keys, answers = {}, {}
  for i, name in ipairs(FETCH_KEYS) do keys[i] = queuePrefix .. name end
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
