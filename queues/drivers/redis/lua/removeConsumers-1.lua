--[[
  Removes consumers of the backlog that have no pending records and were idle for long: their
  processes have ended. Records that are pending for a consumer would be lost with it.
    KEYS[1] stream of records
    ARGV[1] consumer group
    ARGV[2] idle time after which a consumer is removed, milliseconds
    ARGV[3] the only consumer to consider, or '' for all
  Returns the number of removed consumers.
]]
local call, key, group, minimum = redis.call, KEYS[1], ARGV[1], tonumber(ARGV[2])

local function fieldsOf(reply)
  local fields = {}
  for at = 1, #reply, 2 do fields[reply[at]] = reply[at + 1] end
  return fields
end

-- Fails while there is no stream; without a group it has no consumers either.
if call('EXISTS', key) == 0 then return 0 end
local exists = false
for _, reply in ipairs(call('XINFO', 'GROUPS', key)) do
  exists = exists or fieldsOf(reply).name == group
end
if not exists then return 0 end
local removed = 0
for _, reply in ipairs(call('XINFO', 'CONSUMERS', key, group)) do
  local consumer = fieldsOf(reply)
  local isMeant = ARGV[3] == '' or consumer.name == ARGV[3]
  if isMeant and consumer.pending == 0 and consumer.idle >= minimum then
    call('XGROUP', 'DELCONSUMER', key, group, consumer.name)
    removed = removed + 1
  end
end
return removed
