--[[
  Counts the size of a namespace's cache. Every script that writes begins with this file. All keys
  have the namespace as their hash tag.
    KEYS[1] orama:cache-use:{<ns>}   hash: 't' → bytes of all entries; 'k<key>' → bytes of that entry
    KEYS[2] orama:cache-due:{<ns>}   sorted set: key → expiry time, for entries with a TTL
    KEYS[3] orama:cache:{<ns>}:      prefix of the keys of the values
  An entry that Redis has expired is counted until space is needed (`reclaim`), so the count is never
  too low.
]]
local use, dues, prefix = KEYS[1], KEYS[2], KEYS[3]
local call = redis.call

local function forget(keys, total)
  local fields = {}
  for i, key in ipairs(keys) do fields[i] = 'k' .. key end
  for _, size in ipairs(call('HMGET', use, unpack(fields))) do total = total - tonumber(size or 0) end
  -- Free memory first: a full Redis refuses a script whose first write needs memory.
  call('HDEL', use, unpack(fields))
  call('ZREM', dues, unpack(keys))
  total = math.max(0, total)
  call('HSET', use, 't', string.format('%d', total))
  return total
end

-- Subtracts expired entries from the count, and some of those that Redis has evicted by itself.
local function reclaim(total, room, limit)
  local time = call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  for _ = 1, 20 do
    local gone = call('ZRANGEBYSCORE', dues, '-inf', now, 'LIMIT', 0, 500)
    if #gone == 0 then break end
    total = forget(gone, total)
  end
  if total + room <= limit then return total end
  local gone = {}
  for _, field in ipairs(call('HRANDFIELD', use, 50)) do
    local key = string.sub(field, 2)
    if string.sub(field, 1, 1) == 'k' and call('EXISTS', prefix .. key) == 0 then gone[#gone + 1] = key end
  end
  if #gone > 0 then total = forget(gone, total) end
  return total
end

-- Returns whether an entry of this size may replace that of the key, and the resulting total size.
local function admit(key, size, limit)
  local held = call('HMGET', use, 't', 'k' .. key)
  local total, old = tonumber(held[1] or 0), tonumber(held[2] or 0)
  if size > old and total - old + size > limit then
    total = reclaim(total, size - old, limit)
    old = tonumber(call('HGET', use, 'k' .. key) or 0)
    if size > old and total - old + size > limit then return false, total end
  end
  return true, total - old + size
end
