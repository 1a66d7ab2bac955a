import {
  cacheEntrySchema,
  cacheHealthReplySchema,
  cacheKeyBodySchema,
  cacheMgetBodySchema,
  cacheMgetReplySchema,
  cachePutBodySchema,
  cacheScanBodySchema,
  cacheScanReplySchema,
  cacheWriteReplySchema,
} from '../../contract/http/data.js';
import type { Namespace } from '../../contract/ids.js';
import { MAX_PAGE_BYTES, MB } from '../../contract/limits.js';
import { keyFilter } from '../../core/auth/key-pattern.js';
import { AppError } from '../../errors.js';
import { JsonText, stringifyWith } from '../../json/json-text.js';
import type { Cache } from '../../ports/cache.js';
import { sourcesOf } from '../request/json-source.js';
import { readCached, writeCached } from '../response/cached-value.js';
import { json, jsonText, routeUsing } from '../route.js';

const route = routeUsing<'cache'>();

const tag = 'Cache';

/** A larger value is read when it is the namespace's turn and its memory is reserved. */
const SMALL_BYTES = 64 << 10;

/**
 * Returns the cache key of an entry. Keys of the map `default` have no prefix, as functions use
 * them.
 */
function keyOf(dmap: string, key: string): string {
  return dmap === 'default' ? key : `${dmap}:${key}`;
}

export const get = route({
  operationId: 'getCacheEntry',
  method: 'POST',
  isRead: true,
  path: '/v1/cache/get',
  tag,
  summary: "Read a key of the namespace's cache",
  description:
    'The default map `default` contains the keys that functions use; a key of another map is `<dmap>:<key>` for them.',
  access: 'required',
  scope: 'data',
  body: { kind: 'json', schema: cacheKeyBodySchema, example: { key: 'user-7' } },
  responses: { 200: { description: 'The value.', schema: cacheEntrySchema } },
  errors: ['not_found', 'rate_limited', 'unavailable'],
  async handle({ services: { cache }, namespace, body: { dmap, key }, largeReplies, readReply }) {
    const name = keyOf(dmap, key);
    const reply = (bytes: Uint8Array | null) => {
      if (!bytes) throw missing(dmap, key);
      return jsonText(200, stringifyWith({ dmap, key, value: readCached(bytes) }));
    };
    const value = await cache.getUpTo(namespace, name, SMALL_BYTES);
    if (typeof value !== 'number') return reply(value);
    const readLarge = async () => reply(await cache.get(namespace, name));
    return largeReplies.list(namespace, () => readReply(value, readLarge));
  },
});

export const put = route({
  operationId: 'putCacheEntry',
  method: 'POST',
  path: '/v1/cache/put',
  tag,
  summary: 'Write a key, with or without expiry',
  access: 'required',
  scope: 'data',
  body: {
    kind: 'json',
    schema: cachePutBodySchema,
    keepsText: true,
    example: { key: 'user-7', value: { name: 'Ada' }, ttl: '10m' },
  },
  responses: { 200: { description: 'Written.', schema: cacheWriteReplySchema } },
  errors: ['unavailable'],
  async handle({ services, namespace, body: { dmap, key, value, ttl = 0 }, bodyText }) {
    const [source] = sourcesOf(bodyText, ['value']);
    await services.cache.set(namespace, keyOf(dmap, key), writeCached(value, source), wholeSeconds(ttl));
    return json(200, { status: 'ok', dmap, key });
  },
});

export const remove = route({
  operationId: 'deleteCacheEntry',
  method: 'POST',
  path: '/v1/cache/delete',
  tag,
  summary: 'Delete a key',
  access: 'required',
  scope: 'data',
  body: { kind: 'json', schema: cacheKeyBodySchema, example: { key: 'user-7' } },
  responses: { 200: { description: 'Deleted.', schema: cacheWriteReplySchema } },
  errors: ['not_found', 'unavailable'],
  async handle({ services, namespace, body: { dmap, key } }) {
    if (!(await services.cache.delete(namespace, keyOf(dmap, key)))) throw missing(dmap, key);
    return json(200, { status: 'ok', dmap, key });
  },
});

export const mget = route({
  operationId: 'getCacheEntries',
  method: 'POST',
  isRead: true,
  path: '/v1/cache/mget',
  tag,
  summary: 'Read several keys; absent ones are omitted',
  description: `A key that is repeated in the list is read and returned once. The entries have at most ${MAX_PAGE_BYTES / MB} MB as JSON; more is 413.`,
  access: 'required',
  scope: 'data',
  body: { kind: 'json', schema: cacheMgetBodySchema, example: { keys: ['user-7', 'user-8'] } },
  responses: { 200: { description: 'The values that exist.', schema: cacheMgetReplySchema } },
  errors: ['unavailable', 'payload_too_large'],
  list: true,
  async handle({ services, namespace, body: { dmap, keys } }) {
    const results = await entriesOf(services.cache, namespace, dmap, [...new Set(keys)]);
    const list = new JsonText(`[${results.join(',')}]`);
    return jsonText(200, stringifyWith({ dmap, results: list, count: results.length }));
  },
});

/** Keys whose small values are read at once; larger values are read one at a time. */
const KEYS_AT_ONCE = 16;
/** Bytes of a UTF-16 code unit in UTF-8, at most. */
const MAX_BYTES_PER_UNIT = 3;

/** Returns the entries that exist as JSON texts. Throws `payload_too_large`. */
async function entriesOf(cache: Cache, namespace: Namespace, dmap: string, keys: readonly string[]) {
  const entries: string[] = [];
  let size = 0;
  for (let from = 0; from < keys.length; from += KEYS_AT_ONCE) {
    const group = keys.slice(from, from + KEYS_AT_ONCE);
    const small = await Promise.all(
      group.map((key) => cache.getUpTo(namespace, keyOf(dmap, key), SMALL_BYTES)),
    );
    for (const [index, key] of group.entries()) {
      const maxBytes = (MAX_PAGE_BYTES - size) * MAX_BYTES_PER_UNIT;
      const value = small[index];
      const bytes =
        typeof value === 'number' ? await cache.getUpTo(namespace, keyOf(dmap, key), maxBytes) : value;
      if (typeof bytes === 'number') throw tooManyBytes(keys.length);
      if (!bytes) continue;
      const entry = stringifyWith({ key, value: readCached(bytes) });
      size += entry.length;
      if (size > MAX_PAGE_BYTES) throw tooManyBytes(keys.length);
      entries.push(entry);
    }
  }
  return entries;
}

function tooManyBytes(keys: number): AppError {
  return new AppError(
    'payload_too_large',
    `The values of these ${keys} keys have more than ${MAX_PAGE_BYTES / MB} MB as JSON; request fewer keys at once.`,
  );
}

export const scan = route({
  operationId: 'scanCacheKeys',
  method: 'POST',
  isRead: true,
  path: '/v1/cache/scan',
  tag,
  summary: 'List keys by a prefix, a regular expression, or both',
  description:
    'Default: all keys of the map. `match` may match anywhere in a key unless it is anchored, as in `^user-`; its time is linear in the length of the key.',
  access: 'required',
  scope: 'data',
  body: { kind: 'json', schema: cacheScanBodySchema, example: { prefix: 'user-', limit: 100 } },
  responses: { 200: { description: 'The keys, in no particular order.', schema: cacheScanReplySchema } },
  errors: ['unavailable'],
  list: true,
  async handle({ services, namespace, body: { dmap, match, pattern, prefix, limit } }) {
    if (match !== undefined && pattern !== undefined && match !== pattern) {
      throw new AppError('invalid_request', 'match and pattern are the same thing; send match alone.');
    }
    const skipped = keyOf(dmap, '').length;
    const expression = match ?? pattern ?? '';
    const filter = expression === '' ? undefined : keyFilter(expression, (key) => key.slice(skipped));
    // Request one more key to detect whether there are more.
    const found = await services.cache.scan(namespace, keyOf(dmap, prefix), limit + 1, filter);
    const keys = found.slice(0, limit).map((key) => key.slice(skipped));
    return json(200, {
      dmap,
      keys,
      count: keys.length,
      ...(found.length > limit ? { truncated: true } : {}),
    });
  },
});

export const health = route({
  operationId: 'getCacheHealth',
  method: 'GET',
  path: '/v1/cache/health',
  tag,
  summary: 'Check whether the cache is reachable',
  access: 'required',
  scope: 'data',
  responses: { 200: { description: 'The cache is reachable.', schema: cacheHealthReplySchema } },
  errors: ['unavailable'],
  async handle({ services }) {
    const { driver } = services.cache;
    await services.cache.ping();
    // The service name of the original system, which its clients expect; independent of the driver.
    return json(200, { status: 'ok', service: 'olric', ...(driver === 'olric' ? {} : { driver }) });
  },
});

function missing(dmap: string, key: string): AppError {
  return new AppError('not_found', `The cache has no key ${JSON.stringify(key)} in the map "${dmap}".`);
}

/** Rounds to whole seconds, at least one; 0 means no expiry. */
function wholeSeconds(ttl: number): number {
  return ttl === 0 ? 0 : Math.max(1, Math.round(ttl));
}
