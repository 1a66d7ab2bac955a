/**
 * Used only by the build (scripts/lua.mjs): turns BullMQ's scripts into Lua functions, so that one
 * script of this project can call them many times.
 */

/**
 * Commands in BullMQ's scripts that have no effect in this project, and their replacements: most of
 * a script's time is spent in its commands, even if they do nothing. BullMQ's event stream has no
 * reader; no job has a parent, children or a deduplication id; every job brings its own id. `once`
 * caches a value that does not change while the script runs; `first` runs a command that has work
 * to do only the first time.
 */
export const STUBBED_COMMANDS: readonly (readonly [command: string, instead: string])[] = [
  ['rcall("XADD", ', 'noop('],
  ['rcall("XTRIM", ', 'noop('],
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
  local function noop() end
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
 * Matches the functions of BullMQ's scripts. They begin at the start of a line and refer only to
 * each other and to `rcall`.
 */
const FUNCTION = /^local (?:function \w+|\w+ = function)[\s\S]*?^end *$/gm;

/**
 * Returns Lua source that defines a local function `name(KEYS, ARGV)` with the body of the BullMQ
 * script of that name. The script's own functions, about forty, are created by the first call, once
 * for all calls.
 */
export function bullFunction(name: string, lua: string): string {
  const text = STUBBED_COMMANDS.reduce(
    (before, [command, instead]) => before.replaceAll(command, instead),
    lua.replace(COMMENT, ''),
  );
  const functions = text.match(FUNCTION) ?? [];
  if (functions.length === 0) throw new Error(`BullMQ's script ${name} contains no function definitions.`);
  return `local function load_${name}()
${STUBS}
local rcall = redis.call
${functions.join('\n')}
return function(KEYS, ARGV)
${text.replace(FUNCTION, '')}
end
end
local ${name}
${name} = function(keys, args)
  ${name} = load_${name}()
  return ${name}(keys, args)
end
`;
}

/**
 * Throws when no script contains one of the stubbed commands: its replacement would be lost
 * silently.
 */
export function checkStubs(scripts: readonly string[]): void {
  for (const [command] of STUBBED_COMMANDS) {
    if (!scripts.some((lua) => lua.includes(command)))
      throw new Error(`No script of BullMQ that is used has the command ${command}; see STUBBED_COMMANDS.`);
  }
}
