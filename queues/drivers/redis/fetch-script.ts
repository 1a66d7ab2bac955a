import { bullFunction } from './bull-scripts.js';
import type { RedisConnection } from './connect.js';

/** The keys of a queue that BullMQ's script has which takes a job, in their order. */
export const FETCH_KEYS = [
  'wait',
  'active',
  'prioritized',
  'events',
  'stalled',
  'limiter',
  'delayed',
  'paused',
  'meta',
  'pc',
  'marker',
] as const;
const MARKER = FETCH_KEYS.indexOf('marker') + 1;
/** How many arguments it has. */
const ARGUMENTS = 3;

/**
 * Lua: takes a job for each token, until there is none. Then nobody need look for one, and the
 * marker goes that would make others look. Returns what BullMQ's script returns for each: the last
 * may say that there was none.
 */
export function fetchFunction(connection: RedisConnection): string {
  return `(function()
local moveToActive = ${bullFunction(connection, 'moveToActive')}
return function(keys, prefix, now, options, tokens)
  local answers = {}
  for i, token in ipairs(tokens) do
    options.token = token
    answers[i] = moveToActive(keys, { prefix, now, cmsgpack.pack(options) })
    if answers[i][1] == 0 then
      redis.call('ZREM', keys[${MARKER}], '0')
      break
    end
  end
  return answers
end
end)()
`;
}

/**
 * Defines `oramaTake` on the connection that workers use: BullMQ's keys and arguments, then a token
 * for each further job. `known` is a connection on which BullMQ has defined its scripts.
 */
export function defineFetch(connection: RedisConnection, known: RedisConnection): void {
  const lua = `
local take = ${fetchFunction(known)}
local options = cmsgpack.unpack(ARGV[${ARGUMENTS}])
local tokens = { options.token }
for at = ${ARGUMENTS + 1}, #ARGV do tokens[#tokens + 1] = ARGV[at] end
return take(KEYS, ARGV[1], ARGV[2], options, tokens)
`;
  connection.defineCommand('oramaTake', { numberOfKeys: FETCH_KEYS.length, lua });
}
