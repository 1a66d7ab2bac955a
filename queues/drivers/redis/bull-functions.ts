/**
 * Used by the build alone (scripts/lua.mjs): makes functions of BullMQ's scripts, so that one
 * script of ours can run them many times.
 */

/**
 * Commands of BullMQ's scripts that come to nothing here, and what stands in their place: most of a
 * script's time goes into its commands, whatever they do. Nobody reads BullMQ's event stream, no
 * job has a parent, children or a deduplication id, and all bring their own id. `once` asks for
 * what stays as it is while a script runs, `first` for what there is to be done only the first
 * time.
 */
export const STUBBED_COMMANDS: readonly (readonly [command: string, instead: string])[] = [
  ['rcall("XADD", ', 'nobody('],
  ['rcall("XTRIM", ', 'nobody('],
  ['rcall("HGET", metaKey, "opts.maxLenEvents")', '0'],
  ['rcall("INCR", idKey)', '0'],
  ['rcall("SCARD", jobIdKey .. ":dependencies")', '0'],
  ['rcall("ZCARD", jobIdKey .. ":unsuccessful")', '0'],
  ['rcall("HMGET", jobIdKey, "parentKey", "parent", "deid")', '{}'],
  ['rcall("ZADD", markerKey, 0, "0")', 'once("marker", "ZADD", markerKey, 0, "0")'],
  [
    'rcall("HMGET", queueMetaKey, "paused", "concurrency")',
    'once("paused", "HMGET", queueMetaKey, "paused", "concurrency")',
  ],
  [
    'rcall("HMGET", queueMetaKey, "paused", "concurrency", "max", "duration")',
    'once("limits", "HMGET", queueMetaKey, "paused", "concurrency", "max", "duration")',
  ],
  ['rcall("ZRANGEBYSCORE", delayedKey, ', 'first("delayed", "ZRANGEBYSCORE", delayedKey, '],
];

const STUBS = `
  local known = {}
  local function nobody() end
  local function once(what, command, key, ...)
    local of = known[what] or {}
    known[what] = of
    if of[key] == nil then of[key] = redis.call(command, key, ...) end
    return of[key]
  end
  local function first(what, command, key, ...)
    local of = known[what] or {}
    known[what] = of
    if of[key] then return {} end
    of[key] = true
    return redis.call(command, key, ...)
  end
`;

const COMMENT = /--\[\[[\s\S]*?\]\]|^\s*--.*$/gm;
/**
 * BullMQ's functions stand at the beginning of a line, and use no variables but each other and
 * `rcall`.
 */
const FUNCTION = /^local (?:function \w+|\w+ = function)[\s\S]*?^end *$/gm;

/**
 * Lua: BullMQ's script as a local function of that name, of its keys and arguments. Its own
 * functions, forty of them, are made once for all calls.
 */
export function bullFunction(name: string, lua: string): string {
  const text = STUBBED_COMMANDS.reduce(
    (before, [command, instead]) => before.replaceAll(command, instead),
    lua.replace(COMMENT, ''),
  );
  const functions = text.match(FUNCTION) ?? [];
  if (functions.length === 0)
    throw new Error(`BullMQ's script ${name} has no functions that can be made once.`);
  return `local ${name} = (function()
${STUBS}
local rcall = redis.call
${functions.join('\n')}
return function(KEYS, ARGV)
${text.replace(FUNCTION, '')}
end
end)()
`;
}

/** Throws when a command is in none of the scripts: then its replacement would be lost silently. */
export function checkStubs(scripts: readonly string[]): void {
  for (const [command] of STUBBED_COMMANDS) {
    if (!scripts.some((lua) => lua.includes(command)))
      throw new Error(`No script of BullMQ that is used has the command ${command}; see STUBBED_COMMANDS.`);
  }
}
