/**
 * Lua scripts that change the cache of a namespace and count its size on Redis. All keys have the
 * namespace as their hash tag:
 *
 * orama:cache:{<ns>}:<key>   the value
 * orama:cache-use:{<ns>}     hash: 't' → bytes of all entries; 'k<key>' → bytes of that entry
 * orama:cache-due:{<ns>}     sorted set: key → expiry time, for entries with a TTL
 *
 * An entry that Redis has expired is counted until space is needed (`reclaim`), so the count is
 * never too low.
 */
const COMMON = `
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
`;

/**
 * ARGV: key, value, TTL in milliseconds or 0, size, limit. Returns 1 (stored) or 0 (refused), and
 * the total size of all entries.
 */
export const SET = `${COMMON}
local key, ttl, size = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4])
local admitted, total = admit(key, size, tonumber(ARGV[5]))
if not admitted then return { 0, total } end
if ttl > 0 then
  call('SET', prefix .. key, ARGV[2], 'PX', ARGV[3])
  local time = call('TIME')
  call('ZADD', dues, time[1] * 1000 + math.floor(time[2] / 1000) + ttl, key)
else
  call('SET', prefix .. key, ARGV[2])
  call('ZREM', dues, key)
end
call('HSET', use, 't', string.format('%d', total), 'k' .. key, size)
return { 1, total }
`;

/**
 * ARGV: key, delta, size, limit. Returns 1 and the sum, or 0 and the total size of all entries. The
 * sum is text, since Lua numbers have 53 bits.
 */
export const INCREMENT = `${COMMON}
local key, size = ARGV[1], tonumber(ARGV[3])
if call('EXISTS', prefix .. key) == 1 then
  call('INCRBY', prefix .. key, ARGV[2])
  return { 1, call('GET', prefix .. key) }
end
local admitted, total = admit(key, size, tonumber(ARGV[4]))
if not admitted then return { 0, total } end
call('INCRBY', prefix .. key, ARGV[2])
call('ZREM', dues, key)
call('HSET', use, 't', string.format('%d', total), 'k' .. key, size)
return { 1, call('GET', prefix .. key) }
`;

/** ARGV: keys. Returns the number of keys that existed, and the total size of all entries. */
export const DELETE = `${COMMON}
local removed = 0
for _, key in ipairs(ARGV) do removed = removed + call('DEL', prefix .. key) end
return { removed, forget(ARGV, tonumber(call('HGET', use, 't') or 0)) }
`;

/**
 * Deletes up to 200 random entries until the given number of bytes is free. ARGV: bytes. Returns
 * the number of bytes freed, and the total size of all entries.
 */
export const EVICT = `${COMMON}
local total, target, victims = tonumber(call('HGET', use, 't') or 0), tonumber(ARGV[1]), {}
local sizes = call('HRANDFIELD', use, 200, 'WITHVALUES')
for i = 1, #sizes, 2 do
  if string.sub(sizes[i], 1, 1) == 'k' and target > 0 then
    victims[#victims + 1] = string.sub(sizes[i], 2)
    target = target - tonumber(sizes[i + 1])
    call('DEL', prefix .. victims[#victims])
  end
end
if #victims == 0 then return { 0, total } end
local left = forget(victims, total)
return { total - left, left }
`;
