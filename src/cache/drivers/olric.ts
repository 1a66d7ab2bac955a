import type { Redis } from 'ioredis';
import type { Namespace } from '../../contract/ids.js';
import { AppError, isAppError, messageOf } from '../../errors.js';
import type { Cache } from '../../ports/cache.js';
import { unavailable, untilReady } from '../../redis/connection.js';
import { connectNode } from '../../redis/server.js';
import { checkKey, ENTRY_OVERHEAD_BYTES, INTEGER, isInt64, notAnInteger, ttlMs } from '../checks.js';
import type { CacheLimits } from '../limits.js';
import { OlricUse } from './olric-use.js';

/** On Olric, the total size of all namespaces is set in Olric's own configuration. */
export interface OlricCacheOptions extends Pick<CacheLimits, 'limitOf'> {
  /** redis://[:password@]host:port of any member. */
  url: string;
}

/**
 * Olric speaks RESP but supports neither INFO nor CLIENT, nor, with a password, the HELLO command
 * that would carry it.
 */
const DIALECT = {
  protocol: 2 as const,
  enableReadyCheck: false,
  disableClientInfo: true,
  stringNumbers: true,
};

const MAX_KEY_BYTES = 255;
const SCAN_COUNT = 100;
/** Maximum length of a 64-bit integer in decimal digits; the size of a counter entry. */
const COUNTER_BYTES = 20;
/** A DMap that belongs to no namespace. */
const PING_DMAP = 'orama:cache-ping';

/** Partition id, its primary owners as host:port, the owners of its replicas. */
type Partition = [id: string, owners: string[], replicas: string[]];

/**
 * Opens the cache of all processes on Olric, with one DMap per namespace. Olric's INCR treats a
 * value that is not a number as 0 and wraps around at 64 bits, so the value is read and checked
 * first. If another client sets the key to text between the check and the INCR, that text is lost,
 * which a cache may do. Any member serves all keys, but SCAN covers only the member's own
 * partitions.
 */
export async function openOlricCache({ url, limitOf }: OlricCacheOptions): Promise<Cache> {
  const olric = await connectNode(url, 'OLRIC_URL', DIALECT);
  const members = new Map<string, Promise<Redis>>();

  /** Returns the reply, or null if Olric reports that the key does not exist. */
  async function call<T>(command: string, ...args: (string | Buffer)[]): Promise<T | null> {
    try {
      return (await olric.callBuffer(command, ...args)) as T;
    } catch (error) {
      if (messageOf(error).startsWith('KEYNOTFOUND')) return null;
      throw refusal(error);
    }
  }

  async function read(namespace: Namespace, key: string): Promise<Buffer | null> {
    return call<Buffer>('DM.GET', dmap(namespace), checkKey(key));
  }

  /** Returns a connection to the member, opened at the first scan that needs it. */
  function memberAt(address: string): Promise<Redis> {
    const known = members.get(address);
    if (known !== undefined) return known;
    const target = new URL(url);
    target.host = address;
    const opened = connectNode(target.href, 'OLRIC_URL', DIALECT);
    members.set(address, opened);
    opened.catch(() => members.delete(address));
    return opened;
  }

  async function stats(): Promise<string[]> {
    try {
      const table = (await olric.call('CLUSTER.ROUTINGTABLE')) as Partition[];
      const owners = [...new Set(table.flatMap(([, owners]) => owners))];
      return await Promise.all(
        owners.map(async (owner) => String(await (await memberAt(owner)).call('STATS'))),
      );
    } catch (error) {
      throw refusal(error);
    }
  }
  const use = new OlricUse({ limitOf, stats, dmapOf: dmap });

  /** Yields the matching keys in pages. */
  async function* keysOf(namespace: Namespace, pattern: string): AsyncGenerator<string[]> {
    const table = (await olric.call('CLUSTER.ROUTINGTABLE')) as Partition[];
    for (const [partition, owners] of table) {
      for (const owner of owners) {
        const member = await memberAt(owner);
        let cursor = '0';
        do {
          const args = [partition, dmap(namespace), cursor, 'COUNT', SCAN_COUNT, 'MATCH', pattern];
          const [next, keys] = (await member.call('DM.SCAN', ...args)) as [string, string[]];
          yield keys;
          cursor = next;
        } while (cursor !== '0');
      }
    }
  }

  return {
    driver: 'olric',

    get: read,

    async set(namespace, key, value, ttlSeconds) {
      const ms = ttlMs(ttlSeconds);
      const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      const expiry = ms === 0 ? [] : ['PX', String(ms)];
      await use.admit(namespace, sizeOf(checkKey(key), bytes.byteLength));
      await call('DM.PUT', dmap(namespace), key, bytes, ...expiry);
    },

    async increment(namespace, key, delta) {
      const held = await read(namespace, key);
      const text = held?.toString('latin1') ?? '0';
      if (!INTEGER.test(text) || !isInt64(BigInt(text) + delta)) throw notAnInteger(key);
      await use.admit(namespace, held === null ? sizeOf(key, COUNTER_BYTES) : 0);
      const sum = await call<Buffer>('DM.INCR', dmap(namespace), key, delta.toString());
      return BigInt(String(sum));
    },

    async delete(namespace, key) {
      // Olric's DEL reply does not say whether the key existed.
      if ((await read(namespace, key)) === null) return false;
      await call('DM.DEL', dmap(namespace), key);
      return true;
    },

    async scan(namespace, prefix, limit, filter) {
      const found = new Set<string>();
      try {
        for await (const keys of keysOf(namespace, `^${escapeRegExp(checkKey(prefix))}`)) {
          for (const key of filter ? await filter(keys) : keys) if (found.size < limit) found.add(key);
          if (found.size >= limit) break;
        }
      } catch (error) {
        throw refusal(error);
      }
      return [...found];
    },

    async bytes(namespace) {
      return use.bytes(namespace);
    },

    reachable: (withinMs) => untilReady(olric, withinMs),

    async ping() {
      await call('DM.PUT', PING_DMAP, 'ping', '1');
    },

    async close() {
      olric.disconnect();
      for (const member of await Promise.allSettled(members.values())) {
        if (member.status === 'fulfilled') member.value.disconnect();
      }
    },
  };
}

function dmap(namespace: Namespace): string {
  return `orama:cache:${namespace}`;
}

function sizeOf(key: string, valueBytes: number): number {
  return Buffer.byteLength(key) + valueBytes + ENTRY_OVERHEAD_BYTES;
}

function refusal(error: unknown): AppError {
  if (isAppError(error, 'invalid_request')) return error;
  const message = messageOf(error);
  const tooLarge = message.startsWith('KEYTOOLARGE')
    ? `A cache key may have at most ${MAX_KEY_BYTES} bytes; use a shorter one`
    : message.startsWith('ENTRYTOOLARGE')
      ? 'The value is larger than the cache is configured to take; store less, or ask the operator to raise the limit'
      : null;
  if (tooLarge === null) return unavailable('cache', error);
  return new AppError('invalid_request', tooLarge, { cause: error });
}

/** Escapes text for a regular expression of Go, so that a prefix matches literally. */
function escapeRegExp(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');
}
