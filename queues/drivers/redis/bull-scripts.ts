import { AppError } from '../../../src/errors.js';
import type { RedisConnection } from './connect.js';

/**
 * Commands of BullMQ's scripts that come to nothing here, and what stands in their place: most of a
 * script's time goes into its commands, whatever they do. Nobody reads BullMQ's event stream, no
 * job has a parent, children or a deduplication id, and all bring their own id. `once` asks for
 * what stays as it is while a script runs, `first` for what there is to be done only the first
 * time. `checkBullScripts` refuses a BullMQ that has one of them in other words.
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

const SPARING = `
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

/** What ioredis keeps of the scripts that have been defined on a connection. */
export type DefinedScripts = Readonly<Record<string, { lua: string; numberOfKeys?: number | null }>>;

/** One of BullMQ's scripts; its whole name ends with BullMQ's version. */
export function scriptOf(scripts: DefinedScripts, script: string) {
  const name = Object.keys(scripts).find((each) => each.startsWith(`${script}:`));
  const found = scripts[name ?? ''];
  return name === undefined || found === undefined ? undefined : { name, ...found };
}

/**
 * The Lua of one of BullMQ's own scripts as a Lua function of its keys and arguments, for scripts
 * of ours that run it more than once. Its own functions, forty of them, are made once for all.
 * `connection` is one that BullMQ uses: it defines its scripts there, under their names with its
 * version behind.
 */
export function bullFunction({ scriptsSet }: RedisConnection, script: string): string {
  const lua = scriptOf(scriptsSet, script)?.lua;
  if (lua === undefined) throw new AppError('internal', `BullMQ has no script ${script} on its connection.`);
  const spared = STUBBED_COMMANDS.reduce(
    (text, [command, instead]) => text.replaceAll(command, instead),
    lua.replace(COMMENT, ''),
  );
  const functions = spared.match(FUNCTION) ?? [];
  return `(function()
${SPARING}
local rcall = redis.call
${functions.join('\n')}
return function(KEYS, ARGV)
${spared.replace(FUNCTION, '')}
end
end)()
`;
}
