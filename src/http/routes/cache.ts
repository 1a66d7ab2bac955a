import { messageReplySchema } from '../../contract/http/common.js';
import {
  cacheEntrySchema,
  cacheHealthReplySchema,
  cacheKeyBodySchema,
  cacheMgetBodySchema,
  cacheMgetReplySchema,
  cachePutBodySchema,
  cachePutReplySchema,
  cacheScanBodySchema,
  cacheScanReplySchema,
} from '../../contract/http/data.js';
import { AppError } from '../../errors.js';
import { JsonText, stringifyWith } from '../../json-text.js';
import { readCached, writeCached } from '../cached-value.js';
import { sourcesOf } from '../json-source.js';
import { json, jsonText, route } from '../route.js';

const tag = 'Cache';

/** Functions use keys without a map: those of `default`. */
function keyOf(dmap: string, key: string): string {
  return dmap === 'default' ? key : `${dmap}:${key}`;
}

export const get = route({
  method: 'POST',
  path: '/v1/cache/get',
  tag,
  summary: "Read a key of the namespace's own cache",
  description:
    'The map `default`, taken when none is given, holds the very keys that functions use; a key of another map is `<dmap>:<key>` to them.',
  access: 'required',
  scope: 'data',
  body: { kind: 'json', schema: cacheKeyBodySchema },
  replies: { 200: { about: 'The value.', schema: cacheEntrySchema } },
  errors: ['not_found', 'unavailable'],
  async handle({ services, namespace, body: { dmap, key } }) {
    const bytes = await services.cache.get(namespace, keyOf(dmap, key));
    if (!bytes) throw missing(dmap, key);
    return jsonText(200, stringifyWith({ dmap, key, value: readCached(bytes) }));
  },
});

export const put = route({
  method: 'POST',
  path: '/v1/cache/put',
  tag,
  summary: 'Write a key, for a time or for good',
  access: 'required',
  scope: 'data',
  body: { kind: 'json', schema: cachePutBodySchema },
  replies: { 200: { about: 'Written.', schema: cachePutReplySchema } },
  errors: ['unavailable'],
  async handle({ services, namespace, body: { dmap, key, value, ttl }, bodyText }) {
    const [source] = sourcesOf(bodyText, ['value']);
    await services.cache.set(namespace, keyOf(dmap, key), writeCached(value, source), ttlSeconds(ttl));
    return json(200, { status: 'ok', dmap, key });
  },
});

export const remove = route({
  method: 'POST',
  path: '/v1/cache/delete',
  tag,
  summary: 'Delete a key',
  access: 'required',
  scope: 'data',
  body: { kind: 'json', schema: cacheKeyBodySchema },
  replies: { 200: { about: 'Deleted.', schema: messageReplySchema } },
  errors: ['not_found', 'unavailable'],
  async handle({ services, namespace, body: { dmap, key } }) {
    if (!(await services.cache.delete(namespace, keyOf(dmap, key)))) throw missing(dmap, key);
    return json(200, { message: `Key ${JSON.stringify(key)} deleted.` });
  },
});

export const mget = route({
  method: 'POST',
  path: '/v1/cache/mget',
  tag,
  summary: 'Read several keys; those that are absent are left out',
  access: 'required',
  scope: 'data',
  body: { kind: 'json', schema: cacheMgetBodySchema },
  replies: { 200: { about: 'The values that are there.', schema: cacheMgetReplySchema } },
  errors: ['unavailable'],
  async handle({ services, namespace, body: { dmap, keys } }) {
    const found = await Promise.all(
      keys.map(async (key) => {
        const bytes = await services.cache.get(namespace, keyOf(dmap, key));
        return bytes ? [stringifyWith({ key, value: readCached(bytes) })] : [];
      }),
    );
    const results = found.flat();
    const list = new JsonText(`[${results.join(',')}]`);
    return jsonText(200, stringifyWith({ dmap, results: list, count: results.length }));
  },
});

export const scan = route({
  method: 'POST',
  path: '/v1/cache/scan',
  tag,
  summary: 'List keys by their beginning',
  access: 'required',
  scope: 'data',
  body: { kind: 'json', schema: cacheScanBodySchema },
  replies: { 200: { about: 'In no order.', schema: cacheScanReplySchema } },
  errors: ['unavailable'],
  async handle({ services, namespace, body: { dmap, prefix, limit } }) {
    const skipped = keyOf(dmap, '').length;
    const found = await services.cache.scan(namespace, keyOf(dmap, prefix), limit);
    const keys = found.map((key) => key.slice(skipped));
    return json(200, { dmap, keys, count: keys.length });
  },
});

export const health = route({
  method: 'GET',
  path: '/v1/cache/health',
  tag,
  summary: 'Whether the cache answers',
  access: 'required',
  scope: 'data',
  replies: { 200: { about: 'It does.', schema: cacheHealthReplySchema } },
  errors: ['unavailable'],
  async handle({ services }) {
    await services.cache.ping();
    return json(200, { status: 'ok' });
  },
});

function missing(dmap: string, key: string): AppError {
  return new AppError('not_found', `The cache has no key ${JSON.stringify(key)} in the map "${dmap}".`);
}

const UNITS: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };

/** Whole seconds, at least one; 0 = for good. A number without a unit counts seconds. */
function ttlSeconds(ttl: string | undefined): number {
  const match = /^(\d+)(ms|s|m|h|d)?$/.exec(ttl ?? '0');
  const seconds = Number(match?.[1] ?? 0) * (UNITS[match?.[2] ?? 's'] ?? 1);
  return seconds === 0 ? 0 : Math.max(1, Math.round(seconds));
}
