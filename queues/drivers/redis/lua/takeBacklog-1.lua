--[[
  Assigns records of the backlog to a consumer: its own unfinished ones, then those of consumers that
  died, then new ones. At least one record, if there is any; more until a limit is reached.
    KEYS[1] stream of records, in the field 'r'
    ARGV[1] consumer group
    ARGV[2] consumer
    ARGV[3] limit: number of records
    ARGV[4] limit: bytes
    ARGV[5] age after which the records of another consumer are taken, milliseconds
  Returns ids and records by turns. Fails with NOGROUP if the group does not exist.
]]
local call, key, group, consumer = redis.call, KEYS[1], ARGV[1], ARGV[2]
local count, bytes, taken = tonumber(ARGV[3]), tonumber(ARGV[4]), {}

local function take(entry)
  local id, fields = entry[1], entry[2]
  -- Deleted by another tool.
  if not fields then return call('XACK', key, group, id) end
  local record = fields[2] or ''
  taken[#taken + 1], taken[#taken + 2] = id, record
  count, bytes = count - 1, bytes - #record
end
local function hasRoom() return count > 0 and bytes > 0 end
local function read(from)
  local streams = call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', 1, 'STREAMS', key, from)
  return streams and streams[1][2][1]
end

local from = '0'
while from and hasRoom() do
  local entry = read(from)
  if entry then take(entry) end
  from = entry and entry[1]
end
from = '0-0'
while from and hasRoom() do
  local found = call('XAUTOCLAIM', key, group, consumer, ARGV[5], from, 'COUNT', 1)
  if found[2][1] then take(found[2][1]) end
  from = found[1] ~= '0-0' and found[1]
end
local entry = hasRoom() and read('>')
while entry do
  take(entry)
  entry = hasRoom() and read('>')
end
return taken
